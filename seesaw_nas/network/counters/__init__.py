"""Counters of Multi-Adds by others, one file each: what each finds, and what it counts beyond our convention.

Each library is imported in its own file only, and only when it counts. :mod:`seesaw_nas.network.witness` asks those
that are installed. A new counter is a file with a :class:`Counter`, and a line below.

torch's own counter is asked about the network as it is trained, and nowhere else, see
:mod:`seesaw_nas.network.counters.torch_flops`.
"""

from __future__ import annotations

from seesaw_nas.network.counters import (
    calflops,
    fvcore,
    onnx_tool,
    ptflops,
    thop,
    torch_flops,
    torchinfo,
    torchprofile,
)
from seesaw_nas.network.counters.counter import Counter, ExportedGraph, Found, Values
from seesaw_nas.network.counters.packages import Package, find_package

__all__ = ["COUNTERS", "Counter", "ExportedGraph", "Found", "Package", "Values", "find_package"]

COUNTERS: tuple[Counter, ...] = (
    torch_flops.COUNTER,
    fvcore.CONV_AND_LINEAR,
    fvcore.ALL,
    thop.COUNTER,
    ptflops.BY_MODULES,
    ptflops.BY_OPERATORS,
    torchinfo.COUNTER,
    torchprofile.COUNTER,
    calflops.COUNTER,
    onnx_tool.COUNTER,
)
