#!/bin/sh
# Guess: ray.init() leaves a program's own SIGTERM handler alone, or ray.shutdown() puts it back.
# Seen (ray 2.60.0): ray.init() replaces the handler without a word, and ray.shutdown() leaves Ray's in place, so that a
# program which saves its work at SIGTERM ends without saving, also long after it has done with Ray.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
"$folder/venv/bin/python" - <<'PYTHON'
import signal

import ray


def save_and_end(number, frame):
    print("saved")


signal.signal(signal.SIGTERM, save_and_end)
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
during = signal.getsignal(signal.SIGTERM)
ray.shutdown()
after = signal.getsignal(signal.SIGTERM)
print("ray", ray.__version__)
print("SIGTERM handler during:", during.__module__, during.__qualname__)
print("SIGTERM handler after shutdown:", after.__module__, after.__qualname__)
assert during is not save_and_end
assert after is not save_and_end
assert after.__module__.startswith("ray.")
PYTHON
