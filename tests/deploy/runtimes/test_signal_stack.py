"""Runtimes leave the thread's stack for signals as it was, whatever the order in which networks are dropped."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy import runtimes
from seesaw_nas.deploy.runtimes.signal_stack import keep_signal_stack, read_signal_stack
from seesaw_nas.network import folded
from seesaw_nas.network.models import build

SMALL = Architecture(8, 1, 3, Stem(16, 1), (Stage(16, 1, (Block(6, 3, Partition((1, 3)), "shuffle"),)),), Head(8))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stacks for signals are looked at on Linux")


@pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed: pip install '.[openvino]'")
def test_networks_of_openvino_may_be_dropped_in_the_order_they_were_opened():
    before = read_signal_stack().place
    runtime = runtimes.find("openvino")
    files = runtime.convert(folded.split(build(SMALL, seed=0).eval()))
    images = np.zeros((1, 1, 8, 8), np.float32)
    first, second = runtime.open(files, threads=1), runtime.open(files, threads=1)
    assert np.array_equal(first(images), second(images))
    assert read_signal_stack().place == before
    del first
    assert read_signal_stack().place == before
    del second
    assert read_signal_stack().place == before  # once a stack that had been freed, so that the next signal killed


def test_a_stack_that_is_set_within_is_put_back():
    import ctypes

    from seesaw_nas.deploy.runtimes.signal_stack import SignalStack

    before, memory = read_signal_stack().place, ctypes.create_string_buffer(65_536)
    with keep_signal_stack():
        other = SignalStack(ctypes.addressof(memory), 0, len(memory))
        assert ctypes.CDLL(None).sigaltstack(ctypes.byref(other), None) == 0
        assert read_signal_stack().start == ctypes.addressof(memory)
    assert read_signal_stack().place == before
