"""Settings of a latency measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seesaw_nas.core.conditions import cores
from seesaw_nas.core.errors import OptionError, known

BACKENDS = {
    "eager": "the network as it is trained, in eval mode",
    "fused": "batch norm folded and permutations gone, in torch's own operators",
    "compiled": "the folded network through torch.compile; wants a C++ compiler, and a minute",
    "onnxruntime": "the exported ONNX graph in ONNX Runtime",
}
EAGER = "eager"
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, slots=True)
class LatencySettings:
    """Which calls to time, and for how long.

    Attributes:
        batches: numbers of images per call.
        threads: numbers of CPU threads per call; empty for torch's present number.
        backends: names of :data:`BACKENDS`.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for a GPU if there is one.
        precision: type of weights and activations.
        seconds: duration of the timed calls of each backend with each batch size and number of threads.
        seed: seed for the random weights and images.
    """

    batches: tuple[int, ...] = (1, 64)
    threads: tuple[int, ...] = ()
    backends: tuple[str, ...] = ("eager", "fused", "onnxruntime")
    device: str = "auto"
    precision: str = "float32"
    seconds: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_counts("batch", self.batches)
        _check_counts("threads", self.threads or (1,))
        _check_once("backends", self.backends)
        for name in self.backends:
            if name not in BACKENDS:
                raise OptionError(known("backend", name, BACKENDS))
        if self.precision not in PRECISIONS:
            raise OptionError(known("precision", self.precision, PRECISIONS))
        if (most := max(self.threads, default=1)) > cores():
            raise OptionError(f"--threads {most} is more than the {cores()} cores that this process may use")
        if not 0 < self.seconds < float("inf"):
            raise OptionError(f"--seconds must be above 0, got {self.seconds}")
        if self.seed < 0:
            raise OptionError(f"--seed must be at least 0, got {self.seed}")


def _check_counts(option: str, counts: Sequence[int]) -> None:
    _check_once(option, counts)
    if min(counts) < 1:
        raise OptionError(f"--{option} must be at least 1, got {min(counts)}")


def _check_once(option: str, values: Sequence[Any]) -> None:
    if not values:
        raise OptionError(f"--{option} wants at least one, got none")
    if len(set(values)) < len(values):
        raise OptionError(f"--{option} names a value twice: {', '.join(map(str, values))}")
