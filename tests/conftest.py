"""What all tests share."""

import os

# Small networks gain nothing from a second thread, and two of them on a busy machine wait for each other. Set before
# torch is loaded, here and in the subprocesses that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
