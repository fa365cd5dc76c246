"""Resources that a trial reserves on a Ray cluster, computed without Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.settings import SearchSettings

Node = Mapping[str, float]
"""All resources of a node of the cluster, by Ray's names: ``CPU``, ``GPU`` and others."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A CPU, and a share of a GPU, from 0 to 1.

    Trials whose shares add up to at most one GPU train on it together. Ray counts shares but does not divide memory.
    """

    gpus: float

    @property
    def text(self) -> str:
        """The reservation in words."""
        return f"1 CPU and {self.gpus:g} GPU for each trial"

    @property
    def bundle(self) -> dict[str, float]:
        """The reservation by Ray's names."""
        return {"CPU": 1.0} | ({"GPU": self.gpus} if self.gpus else {})


def reserve(settings: SearchSettings, nodes: Sequence[Node]) -> Reservation:
    """Resources that a trial reserves, after checking that a node has them; Ray itself would wait for them silently.

    Raises:
        OptionError: device and share contradict each other, or no node has these resources.
    """
    reservation = Reservation(_share(settings.training.device, settings.placement.gpus_per_trial, nodes))
    if not any(all(node.get(name, 0) >= amount for name, amount in reservation.bundle.items()) for node in nodes):
        text = " and ".join(f"{amount:g} {name}" for name, amount in reservation.bundle.items())
        raise OptionError(f"a trial wants {text}, and no node of the cluster has as much; {_has(nodes)}")
    return reservation


def _share(device: str, requested: float | None, nodes: Sequence[Node]) -> float:
    """The share of a GPU: the requested one; by default a whole GPU if the cluster and the device allow one."""
    there = any(node.get("GPU", 0) for node in nodes)
    if ":" in device:
        raise OptionError(f"Ray chooses the GPUs itself, got --device {device}; write --device cuda")
    if device == "cpu" and requested:
        raise OptionError(
            f"--gpus-per-trial {requested:g} would reserve GPUs that --device cpu leaves idle; leave one of them out"
        )
    if device == "cuda" and requested == 0:
        raise OptionError("--device cuda wants a GPU for each trial, got --gpus-per-trial 0; leave one of them out")
    if device == "cuda" and not there:
        raise OptionError(f"--device cuda wants a GPU, and no node of the cluster has one; {_has(nodes)}")
    return float(there and device != "cpu") if requested is None else requested


def _has(nodes: Sequence[Node]) -> str:
    each = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes)
    return f"the nodes have: {each}"
