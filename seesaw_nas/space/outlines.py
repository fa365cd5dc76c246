"""Outlines of a space: what is decided before any block, which is its widths, its head and which stages there are.

An optional stage, one whose repeats begin at 0, may be absent. Then its width and its stride go with it: the next stage
reads what the stage before has left, a map that is larger by the absent stride. So blocks fit and cost differently in
each outline, and a space is one chain of block choices for each of its outlines.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space.stages import StageSpace

MOST_OUTLINES = 64  # each is counted by itself; one of seesaw-cifar takes a second
Frame = tuple[int, int, tuple[tuple[int, int], ...]]  # of stem, head, and channels and stride of each stage


@dataclass(frozen=True, slots=True)
class Outline:
    """One outline.

    Attributes:
        width: index of the width.
        head: channels of the head.
        present: indices of the stages that are there, ascending.
        ways: in how many ways the numbers of blocks of the optional stages can be chosen in it.
    """

    width: int
    head: int
    present: tuple[int, ...]
    ways: int


def list_outlines(widths: int, heads: Sequence[int], stages: Sequence[StageSpace]) -> Iterator[Outline]:
    """Every outline: width by width, then head by head, the one with all stages first."""
    there = [(True, False) if stage.is_optional else (True,) for stage in stages]
    for width, head, pattern in itertools.product(range(widths), heads, itertools.product(*there)):
        present = tuple(i for i, is_there in enumerate(pattern) if is_there)
        ways = math.prod(len(stages[i].repeats_if_present) for i in present if stages[i].is_optional)
        yield Outline(width, head, present, ways)


class Outlines:
    """The outlines of a space, found by what is chosen or by an architecture.

    Attributes:
        each: all of them; without optional stages and choices of a head, one for each width.

    Raises:
        SpaceError: there is none, there are more than can be counted, or two of them describe the same networks.
    """

    def __init__(self, name: str, stem: Sequence[int], heads: Sequence[int], stages: Sequence[StageSpace]) -> None:
        self._stem, self._stages = stem, stages
        if objection := object_to(len(stem), heads, stages):
            raise SpaceError(f"space '{name}': {objection}")
        self.each = tuple(list_outlines(len(stem), heads, stages))
        self._by_choice = {(one.width, one.head, one.present): number for number, one in enumerate(self.each)}
        self._by_frame: dict[Frame, int] = {}
        for number, one in enumerate(self.each):
            if (first := self._by_frame.setdefault(self._frame(one), number)) != number:
                raise SpaceError(
                    f"space '{name}': {self._describe(self.each[first])} and {self._describe(one)} have the same "
                    "widths and strides, so their networks would count twice; give the stages that differ other "
                    "channels, or make them one stage of more repeats"
                )

    def choose(self, width: int, head: int, repeats: Sequence[int]) -> int:
        """The index of the outline with this width and head, and the stages that have any blocks."""
        return self._by_choice[width, head, tuple(i for i, n in enumerate(repeats) if n)]

    def of(self, architecture: Architecture) -> int | None:
        """The index of the architecture's outline, or ``None`` if there is none."""
        stages = tuple((stage.channels, stage.stride) for stage in architecture.stages)
        return self._by_frame.get((architecture.stem.channels, architecture.head.channels, stages))

    def with_widths(self, architecture: Architecture) -> Outline | None:
        """The first outline with the widths of the architecture's stem and stages, whatever its strides and head."""
        widths = (architecture.stem.channels, *(stage.channels for stage in architecture.stages))
        return next((one for one in self.each if self.widths(one) == widths), None)

    def widths(self, outline: Outline) -> tuple[int, ...]:
        """Channels of the stem and of each stage that is there."""
        stages = (self._stages[i].channels[outline.width] for i in outline.present)
        return (self._stem[outline.width], *stages)

    def _frame(self, outline: Outline) -> Frame:
        stages = tuple((self._stages[i].channels[outline.width], self._stages[i].stride) for i in outline.present)
        return self._stem[outline.width], outline.head, stages

    def _describe(self, outline: Outline) -> str:
        absent = [f"stages[{i}]" for i in range(len(self._stages)) if i not in outline.present]
        stages = f"without {' and '.join(absent)}" if absent else "with all stages"
        return f"width {outline.width + 1} {stages}"


def object_to(widths: int, heads: Sequence[int], stages: Sequence[StageSpace]) -> str:
    """Why there are no outlines of so many widths, these heads and stages; empty if there are."""
    if all(stage.is_optional for stage in stages):
        return "every stage may be absent, and a network has at least one; let the repeats of one stage begin at 1"
    if any(stage.repeats == (0,) for stage in stages):
        return "a stage of repeats 0 alone is never there; leave it out, or offer more repeats"
    if not heads or len(set(heads)) < len(heads):
        return f"at least one head is wanted, none twice, got {', '.join(map(str, heads)) or 'none'}"
    number = widths * len(heads) * 2 ** sum(stage.is_optional for stage in stages)
    if number > MOST_OUTLINES:
        return (
            f"at most {MOST_OUTLINES} combinations of widths, heads and absent stages are counted, these are "
            f"{number:,}; offer fewer widths or heads, or let fewer repeats begin at 0"
        )
    return ""
