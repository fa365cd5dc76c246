"""On ``PYTHONPATH`` this folder gives a command and the processes that it spawns the pretended GPU."""

import pretend_gpu

pretend_gpu.install_with_torch()
