"""What is counted on the pretended GPU, and the line of the product that each thing comes from."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar

import torch

Place = tuple[str, str]  # what, and the line of the product that it comes from

# CUDA does these by sorting the index: autograd of advanced indexing is one
SORTED = {"index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put", "put", "put_"}
SORTED_ALWAYS = {"embedding_dense_backward", "embedding_renorm_"}
GRAPH = "graph replay"

TITLES = {
    "operators": "operators",
    "scatters": "sorted scatters",
    "waits": "waits",
    "to_device": "copies to the device",
    "to_host": "copies to the host",
}


@dataclass
class Count:
    """What happened while it was open.

    Attributes:
        operators: that compute; each is at least one kernel. A replay of a CUDA graph is one.
        scatters: those of the operators that CUDA does by sorting an index.
        waits: of the host for the device.
        to_device, to_host: copies.
        replayed: operators inside CUDA graphs.
        shared: tensors handed to another process.
    """

    operators: Counter[Place] = field(default_factory=Counter)
    scatters: Counter[Place] = field(default_factory=Counter)
    waits: Counter[Place] = field(default_factory=Counter)
    to_device: Counter[Place] = field(default_factory=Counter)
    to_host: Counter[Place] = field(default_factory=Counter)
    replayed: int = 0
    shared: Counter[Place] = field(default_factory=Counter)

    KINDS: ClassVar = tuple(TITLES)

    def total(self, kind: str) -> int:
        """How many of one of :attr:`KINDS`."""
        found: Counter[Place] = getattr(self, kind)
        return found.total()

    def by_site(self, kind: str) -> Counter[str]:
        """How many at each line of the product."""
        found: Counter[str] = Counter()
        for (_, site), n in getattr(self, kind).items():
            found[site] += n
        return found

    def table(self, top: int, with_operators: bool = False) -> list[str]:
        """Lines for people: totals, then the rows of each kind."""
        totals = [f"{self.total(kind):,} {TITLES[kind]}" for kind in self.KINDS]
        lines = [", ".join([*totals, f"{self.replayed:,} operators inside graphs"])]
        for kind in self.KINDS:
            rows = self.rows(kind, top, with_operators)
            lines += [f"  {TITLES[kind]}", *rows] if rows else []
        return lines

    def rows(self, kind: str, top: int, with_operators: bool = False) -> list[str]:
        """Where something happens, most often first: ``top`` lines, and one for the rest."""
        found = self.by_operator(kind) if with_operators else self.by_site(kind)
        lines = [f"  {n:>6}  {what}" for what, n in found.most_common(top)]
        left = sum(sorted(found.values(), reverse=True)[top:])
        return [*lines, f"  {left:>6}  elsewhere"] if left else lines

    def by_operator(self, kind: str) -> Counter[str]:
        """How many of each operator at each line of the product."""
        return Counter({f"{what} at {site}": n for (what, site), n in getattr(self, kind).items()})

    def to_json(self) -> dict[str, list[tuple[str, str, int]]]:
        """Of each kind: what, where, how often; most often first."""
        return {kind: [(*place, n) for place, n in getattr(self, kind).most_common()] for kind in self.KINDS}


_OPEN: list[Count] = []
_FORWARD: dict[int, str] = {}  # autograd's number of an operator -> its site


@contextlib.contextmanager
def counting() -> Iterator[Count]:
    """Count what happens in the body, in all threads."""
    count = Count()
    _OPEN.append(count)
    try:
        yield count
    finally:
        _OPEN.remove(count)
        if not _OPEN:
            _FORWARD.clear()


def record(kind: str, what: str, n: int = 1) -> None:
    """Add to every open count."""
    if _OPEN:
        place = (what, site())
        for count in _OPEN:
            getattr(count, kind)[place] += n


def record_operator(name: str, accumulates: bool = False) -> None:
    """Add an operator; ``accumulates`` is that argument of those that have it."""
    record("operators", name)
    if name in SORTED_ALWAYS or (name in SORTED and accumulates):
        record("scatters", name)


def record_replay(operators: int) -> None:
    """Add the replay of a graph of so many operators."""
    record("operators", GRAPH)
    for count in _OPEN:
        count.replayed += operators


def note_site() -> None:
    """Keep the present site under autograd's number, for the backward pass has no frame of the product."""
    if _OPEN and torch.is_grad_enabled() and torch._C._current_autograd_node() is None:
        _FORWARD.setdefault(torch.autograd._get_sequence_nr() - 1, site())


def site() -> str:
    """The innermost line of the product on the stack, or the line whose gradient is being computed."""
    frame, folder = sys._getframe(1), _product()
    while frame:
        name = frame.f_code.co_filename
        if name.startswith(folder):
            return f"{name[len(folder) :]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    node = torch._C._current_autograd_node()
    if node is None:
        return "outside the product"
    return f"{_FORWARD.get(node._sequence_nr(), 'sum of gradients')}, backward"


@cache
def _product() -> str:
    spec = importlib.util.find_spec("seesaw_nas")
    assert spec is not None
    assert spec.submodule_search_locations, "seesaw_nas is a package"
    return f"{spec.submodule_search_locations[0]}/"
