"""Settings of a latency measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seesaw_nas.core import options
from seesaw_nas.core.conditions import cores
from seesaw_nas.core.options import option
from seesaw_nas.deploy.names import QUANTIZERS
from seesaw_nas.deploy.runtimes import RUNTIMES

BACKENDS = {
    "eager": "the network as it is trained, in eval mode",
    "fused": "batch norm folded and permutations gone, in torch's own operators",
    "compiled": "the folded network through torch.compile; wants a C++ compiler, and a minute",
    "onnxruntime": "the exported ONNX graph in ONNX Runtime",
    **{name: f"the network that is exported for {title}" for name, title in RUNTIMES.items() if name != "onnxruntime"},
}
INT8 = {f"{name}-int8": name for name in QUANTIZERS}  # name of the backend: that of its runtime
BACKENDS |= {
    backend: f"the network that is exported for {RUNTIMES[name]} in int8, calibrated on random images"
    for backend, name in INT8.items()
}
EAGER = "eager"
PRECISIONS = ("float32", "bfloat16")


def _check_once(values: Sequence[Any]) -> str:
    """What is wrong with a list: a value twice."""
    return f"names a value twice: {', '.join(map(str, values))}" if len(set(values)) < len(values) else ""


def _check_any(values: Sequence[Any]) -> str:
    """What is wrong with a list: nothing in it, or a value twice."""
    return _check_once(values) if values else "wants at least one, got none"


def _check_threads(counts: Sequence[int]) -> str:
    """What is wrong with numbers of threads: one twice, or more than there are cores."""
    if (most := max(counts, default=1)) > cores():
        return f"{most} is more than the {cores()} cores that this process may use"
    return _check_once(counts)


def _check_seconds(seconds: float) -> str:
    return "" if 0 < seconds < float("inf") else f"must be above 0, got {seconds}"


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """The settings of a measurement: which calls to time, and for how long."""

    batches: tuple[int, ...] = option(
        "Images in each call, such as 1,8,64.",
        name="batch",
        default=(1, 64),
        commas=True,
        least=1,
        most=65_536,
        check=_check_any,
    )
    threads: tuple[int, ...] = option(
        "CPU threads of a call, such as 1,2. Default: torch's own number.",
        default=(),
        commas=True,
        least=1,
        check=_check_threads,
    )
    backends: tuple[str, ...] = option(
        f"Backends to call: {', '.join(BACKENDS)}; compiled takes a minute.",
        default=("eager", "fused", "onnxruntime"),
        commas=True,
        choices=BACKENDS,
        kind="backend",
        check=_check_any,
    )
    device: str = option("Device: cpu, cuda, cuda:1 ..., or auto for a GPU where there is one.", default="auto")
    precision: str = option(
        f"Precision of weights and activations: {', '.join(PRECISIONS)}.", default="float32", choices=PRECISIONS
    )
    seconds: float = option("Seconds of timed calls for each figure.", default=1.0, check=_check_seconds)
    seed: int = option("Seed for the random weights and images.", default=0, least=0)

    def __post_init__(self) -> None:
        options.check(self)
