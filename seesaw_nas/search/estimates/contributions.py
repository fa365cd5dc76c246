"""What each choice adds to worth by the estimates of a run: a level against another one, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seesaw_nas.search.estimates.features import Array, Features
from seesaw_nas.search.estimates.model import Estimates

ORDER = ("grouping", "expansion", "repeats", "kernel", "activation", "width", "head")
WHOLE = -1  # in place of a stage
Name = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Contribution:
    """One level of one choice against the level that the trials have most often.

    Attributes:
        stage: from 1; 0 for the whole network.
        mean, sd: top-1, a fraction, that it adds where all blocks have it in place of ``reference``, in the average
            architecture of the trials and at equal Multi-Adds.
        n: trials in which it occurs.
    """

    stage: int
    choice: str
    level: str
    reference: str
    mean: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True)
class _Contrast:
    stage: int
    choice: str
    level: str
    reference: str
    row: Array  # (features,)
    n: int


def contributions(estimates: Estimates) -> list[Contribution]:
    """Every level that occurs in the trials beside the most frequent one, choice by choice, then by stage."""
    found = sorted(
        _contrasts(estimates.features, estimates.counts), key=lambda one: (ORDER.index(one.choice), one.stage)
    )
    if not found:
        return []
    mean, sd = estimates.differences(np.array([one.row for one in found]))
    return [
        Contribution(one.stage, one.choice, one.level, one.reference, value, deviation, one.n)
        for one, value, deviation in zip(found, mean.tolist(), sd.tolist(), strict=True)
    ]


def _contrasts(features: Features, counts: Array) -> Iterator[_Contrast]:
    names = features.names
    for kind in ORDER[:2] + ORDER[3:5]:
        yield from _of_blocks(features, counts, WHOLE, kind)
        for stage in range(len(features.space.stages)):
            yield from _of_blocks(features, counts, stage, kind)
    for stage in range(len(features.space.stages)):
        yield from _of_repeats(features, counts, stage)
    widths = [name for name in names if name[0] == "width"]
    for place, reference, n in _levels(counts, [names.index(name) for name in widths]):
        row = _change(features, place) - _change(features, reference)
        level, other = (features.space.width_name(int(str(names[i][1]))) for i in (place, reference))
        yield _Contrast(0, "width", level, other, row, n)
    for place, reference, n in _levels(counts, [i for i, name in enumerate(names) if name[0] == "head"]):
        row = _change(features, place) - _change(features, reference)
        yield _Contrast(0, "head", str(names[place][1]), str(names[reference][1]), row, n)


def _of_blocks(features: Features, counts: Array, stage: int, kind: str) -> Iterator[_Contrast]:
    """All blocks of a stage, or of the whole network, with one level in place of another."""
    start: Name = ("all", kind) if stage == WHOLE else ("stage", stage, kind)
    places = [i for i, name in enumerate(features.names) if name[:-1] == start]
    for place, reference, n in _levels(counts, places):
        row = np.zeros(len(features))
        for own in range(len(features.space.stages)) if stage == WHOLE else [stage]:
            blocks = _blocks(features, counts, own, kind)
            for at, sign in ((place, 1), (reference, -1)):
                row += sign * blocks * _block(features, own, kind, str(features.names[at][-1]))
        level, other = (str(features.names[i][-1]) for i in (place, reference))
        yield _Contrast(stage + 1, kind, level, other, row, n)


def _of_repeats(features: Features, counts: Array, stage: int) -> Iterator[_Contrast]:
    """A stage of more or fewer blocks, each like the average of its blocks."""
    names = features.names
    average = np.zeros(len(features))
    for kind in ORDER[:2] + ORDER[3:5]:
        blocks = _blocks(features, counts, stage, kind)
        for i, name in enumerate(names if blocks else []):
            if name[:-1] == ("stage", stage, kind):
                average += counts[:, i].mean() / blocks * _block(features, stage, kind, str(name[-1]))
    for place, reference, n in _levels(counts, [i for i, name in enumerate(names) if name[:2] == ("repeats", stage)]):
        more, fewer = (int(str(names[i][-1])) for i in (place, reference))
        row = _change(features, place) - _change(features, reference) + (more - fewer) * average
        yield _Contrast(stage + 1, "repeats", str(more), str(fewer), row, n)


def _levels(counts: Array, places: list[int]) -> Iterator[tuple[int, int, int]]:
    """Each level that occurs, the most frequent one, and in how many trials it occurs; nothing of a single level."""
    occurs = [place for place in places if counts[:, place].any()]
    if occurs:
        reference = max(occurs, key=lambda place: (counts[:, place].sum(), -place))
        for place in occurs:
            if place != reference:
                yield place, reference, int(np.count_nonzero(counts[:, place]))


def _blocks(features: Features, counts: Array, stage: int, kind: str) -> float:
    """Blocks of a stage in the average trial."""
    places = [i for i, name in enumerate(features.names) if name[:-1] == ("stage", stage, kind)]
    return float(counts[:, places].sum(axis=1).mean())


def _block(features: Features, stage: int, kind: str, level: str) -> Array:
    """What one block with this level adds to the features; a level that the stage does not offer counts as anywhere."""
    names = (("all", kind, level), ("stage", stage, kind, level))
    return sum(
        (_change(features, features.names.index(n)) for n in names if n in features.names), np.zeros(len(features))
    )


def _change(features: Features, place: int) -> Array:
    row = np.zeros(len(features))
    row[place] = features.scale[place]
    return row
