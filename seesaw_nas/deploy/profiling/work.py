"""The work of a part of a network: what its operators compute and move, by kind, from its exported graph.

A part is a stem, a head, or a block at its place. Parts whose graphs have the same operators on the same shapes have
the same work, and get the same time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock
from seesaw_nas.deploy.runtimes.recording import Operator, export_key, record, record_block, without_weights
from seesaw_nas.space import Space
from seesaw_nas.space.profile import Place

Work = Counter[tuple[str, str]]  # amounts by (kind of operator, what is counted)
WIDTHS = (16, 8)  # runtimes store channels in blocks of so many; what does not fill them is slower
STEM_OPERATORS, HEAD_OPERATORS = 2, 5  # convolution, bounds; convolution, bounds, pool, flattening, classifier


@dataclass(frozen=True, slots=True)
class NetworkPart:
    """A stem, a head, or a block at its place.

    Attributes:
        kind: ``stem``, ``head`` or ``block``.
        place: as in a latency profile.
        block: in its canonical spelling; ``None`` for stem and head.
    """

    kind: str
    place: Place
    block: Block | None = None

    @property
    def family(self) -> tuple[Any, ...]:
        """What parts have in common that work alike: kind, place, expansion and kernel."""
        of = self.block
        return (self.kind, self.place) if of is None else (self.kind, self.place, of.expansion, of.kernel)


@dataclass(slots=True)
class NetworkParts:
    """Parts of networks with their work, each found once.

    Attributes:
        numbers: the number of each part, in the order in which they were met.
        work: by number.
        graphs: by number; equal for parts with the same operators on the same shapes.
    """

    numbers: dict[NetworkPart, int] = field(default_factory=dict)
    work: list[Work] = field(default_factory=list)
    graphs: list[tuple[Any, ...]] = field(default_factory=list)
    _recorded: dict[tuple[Any, ...], list[Operator]] = field(default_factory=dict)

    def of(self, network: Architecture) -> list[int]:
        """Numbers of the parts of a network: stem, head, blocks."""
        stem, head = parts_of_ends(network)
        if stem not in self.numbers or head not in self.numbers:
            operators = record(without_weights(network))
            self._add(stem, operators[:STEM_OPERATORS])
            self._add(head, operators[-HEAD_OPERATORS:])
        return [self.numbers[stem], self.numbers[head], *(self.block(at) for at in network.canonical.placed)]

    def block(self, at: PlacedBlock) -> int:
        """Number of a block at its place; the block is in its canonical spelling."""
        part = NetworkPart("block", (at.c_in, at.c_out, at.size_in, at.size_out), at.block)
        if part not in self.numbers:
            if (key := export_key(at)) not in self._recorded:
                self._recorded[key] = record_block(at)
            self._add(part, self._recorded[key])
        return self.numbers[part]

    def add_space(self, space: Space) -> None:
        """Add every part of every network of a space."""
        for outline, one in enumerate(space.outlines):
            blocks = [
                [space.options(slot)[0] for slot in space.slots(outline) if slot.stage == i][:least]
                for i in one.present
                for least in [space.stages[i].repeats_if_present[0]]
            ]
            self.of(space.build(outline, blocks))
            for slot in space.slots(outline):
                stride = space.stages[slot.stage].stride if slot.index == 0 else 1
                for block in space.options(slot):
                    self.block(
                        PlacedBlock(
                            slot.stage, slot.index, block, slot.c_in, slot.c_out, stride, slot.size_in, slot.size_out
                        )
                    )

    def _add(self, part: NetworkPart, operators: Sequence[Operator]) -> None:
        if part not in self.numbers:
            self.numbers[part] = len(self.numbers)
            self.work.append(measure_work(operators))
            self.graphs.append((part.kind, part.place, *map(_describe, operators)))


def parts_of_ends(network: Architecture) -> tuple[NetworkPart, NetworkPart]:
    """The stem and the head of a network."""
    first, last = network.placed[0], network.placed[-1]
    stem = (network.input_channels, network.stem.channels, network.input_size, first.size_in)
    return NetworkPart("stem", stem), NetworkPart(
        "head", (last.c_out, network.head.channels, network.classes, last.size_out)
    )


def measure_work(operators: Iterable[Operator]) -> Work:
    """What operators compute and move: numbers of operators, multiply-adds, values read and written, weights."""
    work: Work = Counter()
    for one in operators:
        kind, read, written = _kind(one), _values(one.read), _values(one.written)
        work[kind, "operators"] += 1
        if one.kind == "Conv":
            weights = math.prod(one.constants[0].shape)  # type: ignore[union-attr]
            positions = math.prod(one.written[0]) // one.written[0][1]
            work[kind, "multiply-adds"] += weights * positions
            work[kind, "weights"] += weights
            work[kind, "read"] += read
            work[kind, "written"] += written
        else:
            work[kind, "moved"] += read + written
    return work


def _kind(one: Operator) -> str:
    """The kind of an operator, as far as it decides how fast it runs: convolutions by kernel, stride and widths."""
    if one.kind != "Conv":
        return one.kind
    groups, (kernel, _), (stride, _) = (
        one.attributes["group"],
        one.attributes["kernel_shape"],
        one.attributes["strides"],
    )
    c_in, c_out = one.read[0][1], one.written[0][1]
    if groups == c_in and kernel > 1:
        return f"depthwise {kernel} {stride} {_filled(c_out)}"
    if groups > 1:
        return f"grouped {_filled(c_in // groups, c_out // groups)}"
    return f"dense {kernel} {_filled(c_in, c_out) if kernel == 1 else _filled(c_out)}"


def _filled(*channels: int) -> str:
    """The widest block of channels that these numbers of channels fill."""
    return next((f"by {width}" for width in WIDTHS if all(count % width == 0 for count in channels)), "other")


def _values(shapes: Iterable[tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes)


def _describe(one: Operator) -> tuple[Any, ...]:
    constants = tuple(tuple(value.shape) if hasattr(value, "shape") else value for value in one.constants)
    return one.kind, tuple(map(str, one.attributes.items())), one.inputs, constants, one.read, one.written
