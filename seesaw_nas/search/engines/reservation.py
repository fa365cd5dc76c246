"""What a trial reserves on a Ray cluster; needs no Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.settings import SearchSettings

Node = Mapping[str, float]
"""What a node of the cluster has in all, by Ray's names: ``CPU``, ``GPU`` and others."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A CPU, and a share of a GPU, 0 to 1.

    Trials whose shares fit into one GPU train on it at a time. Ray counts the shares; it does not divide the memory.
    """

    gpus: float

    @property
    def text(self) -> str:
        """In words."""
        return f"1 CPU and {self.gpus:g} GPU for each trial"

    @property
    def bundle(self) -> dict[str, float]:
        """In Ray's names."""
        return {"CPU": 1.0} | ({"GPU": self.gpus} if self.gpus else {})


def reserve(settings: SearchSettings, nodes: Sequence[Node]) -> Reservation:
    """What a trial reserves; Ray itself would wait without a word for what no node has.

    Raises:
        OptionError: device and share contradict each other, or no node has as much.
    """
    reservation = Reservation(_share(settings.training.device, settings.placement.gpus_per_trial, nodes))
    if not any(all(node.get(name, 0) >= amount for name, amount in reservation.bundle.items()) for node in nodes):
        text = " and ".join(f"{amount:g} {name}" for name, amount in reservation.bundle.items())
        raise OptionError(f"a trial wants {text}, and no node of the cluster has as much; {_has(nodes)}")
    return reservation


def _share(device: str, asked: float | None, nodes: Sequence[Node]) -> float:
    """The share of a GPU: as asked for; else a whole one where there are any and the device may be one."""
    there = any(node.get("GPU", 0) for node in nodes)
    if ":" in device:
        raise OptionError(f"Ray chooses the GPUs itself, got --device {device}; write --device cuda")
    if device == "cpu" and asked:
        raise OptionError(
            f"--gpus-per-trial {asked:g} would reserve GPUs that --device cpu leaves idle; leave one of them out"
        )
    if device == "cuda" and asked == 0:
        raise OptionError("--device cuda wants a GPU for each trial, got --gpus-per-trial 0; leave one of them out")
    if device == "cuda" and not there:
        raise OptionError(f"--device cuda wants a GPU, and no node of the cluster has one; {_has(nodes)}")
    return float(there and device != "cpu") if asked is None else asked


def _has(nodes: Sequence[Node]) -> str:
    each = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
    return f"the nodes have: {each}"
