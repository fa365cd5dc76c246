#!/bin/sh
# Guess: OpenVINO's networks may be dropped in any order, and leave nothing behind in the thread that opened them.
# Seen (OpenVINO 2026.4.1, Linux, x86-64): each network gives the thread an alternate stack for signals, and puts back
# the one before when it is dropped. Of two that are dropped in the order in which they were opened, the second puts back
# the stack of the first, which is freed by then. This script only looks at the addresses. In a program, the next signal
# that Python handles ends the process without a message: there is no stack to handle it on.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import ctypes
import os

import numpy as np
import openvino
from openvino import opset13


class Stack(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def look():
    found = Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found.start


def is_mapped(address):
    with open("/proc/self/maps") as maps:
        ranges = [[int(end, 16) for end in line.split()[0].split("-")] for line in maps]
    return any(low <= address < high for low, high in ranges)


def open_network():
    images = opset13.parameter([1, 16, 8, 8], np.float32)
    weights = opset13.constant(np.ones((16, 16, 1, 1), np.float32))
    convolution = opset13.convolution(images, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    network = openvino.Model([convolution], [images])
    return openvino.Core().compile_model(network, "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1})


def tell(when):
    start = look()
    print(f"{when}: {'no stack' if start is None else 'mapped' if is_mapped(start) else 'not mapped'}")
    return start


print("OpenVINO", openvino.__version__)
before = tell("before any network")
first = open_network()
of_first = tell("first opened")
second = open_network()
of_second = tell("second opened")
del first
tell("first dropped")
del second
left = tell("second dropped")
assert before is None
assert len({of_first, of_second, None}) == 3
assert left == of_first
assert not is_mapped(left)
os._exit(0)  # without a further signal or clean-up on that stack
PYTHON
