"""What a choice is worth in top-1 at equal Multi-Adds: least squares over the trained trials of a search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.search.records import TrialRecord, complete
from seesaw_nas.space import Space

Floats = npt.NDArray[np.float64]
By = Literal["stage", "network"]
KINDS = {"partition": "partition", "flow": "flow", "expansion": "expansion", "kernel": "kernel",
         "activation": "expand_activation"}  # fmt: skip
ORDER = ("partition", "flow", "expansion", "repeats", "kernel", "activation", "width", "head")
CONFIDENCE = 0.95
LEAST_TRIALS = 5  # in which a level must occur for its effect to be told
LEAST_RANGE = 0.25  # of its share of the blocks over the trials: a line is not drawn on from less
TRIALS_PER_COEFFICIENT = 2
_TINY = 1e-8


@dataclass(frozen=True, slots=True)
class Effect:
    """One level of one choice, against the choice's most frequent level.

    Attributes:
        stage: from 1; 0 for the whole network.
        value, low, high: top-1, a fraction, gained where all blocks have the level instead of the reference, and the
            ends of the interval; NaN where the trials cannot tell it.
        n: trials in which it occurs.
    """

    stage: int
    choice: str
    level: str
    reference: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Fit:
    """All effects of a search.

    Attributes:
        trials: trained ones.
        needed: so many trials are the least for these choices.
    """

    effects: tuple[Effect, ...]
    trials: int
    needed: int

    @property
    def is_enough(self) -> bool:
        return self.trials >= self.needed

    @property
    def lack(self) -> str:
        return f"they need {self.needed} complete trials, and there are {self.trials}"


def effects(records: Sequence[TrialRecord], *, by: By = "stage", space: Space | None = None) -> pd.DataFrame:
    """One row a level: ``stage, choice, level, reference, effect, low, high, n, trials``; empty for too few trials.

    Top-1 is regressed on the logarithm of the Multi-Adds, its square, and for every stage and choice the share of the
    stage's blocks that have each level; of repeats and widths, on which there are. ``effect`` is the gain in top-1, a
    fraction, of all blocks with the level instead of ``reference``, the most frequent one, at equal Multi-Adds and all
    else equal. ``low`` and ``high`` are the ends of its 95% interval, from variances that hold for unequal noise (HC3)
    and Student's t.

    The effects describe the trials of a search. They are no experiment, because the search chose its trials by earlier
    results. An effect is missing (NaN) if its level occurs in fewer than ``LEAST_TRIALS`` trials, has nearly the same
    share of the blocks in all of them, or never occurs without another level.

    Args:
        by: ``stage``, or ``network`` for shares of all blocks, which takes far fewer trials.
        space: where it has optional stages, stages are numbered as in it; otherwise as in each architecture.

    Raises:
        OptionError: there is no such ``by``.

    Source: MacKinnon and White 1985, doi:10.1016/0304-4076(85)90158-7, for HC3.
    """
    found = fit(records, by=by, space=space)
    names = ["stage", "choice", "level", "reference", "effect", "low", "high", "n", "trials"]
    told = found.effects if found.is_enough else ()
    rows = [(e.stage, e.choice, e.level, e.reference, e.value, e.low, e.high, e.n, found.trials) for e in told]
    table = pd.DataFrame(rows, columns=names)
    kinds = dict.fromkeys(("stage", "n", "trials"), "int64") | dict.fromkeys(("effect", "low", "high"), "float64")
    return table.astype(kinds | dict.fromkeys(("choice", "level", "reference"), "string"))


@dataclass(frozen=True, slots=True)
class _Column:
    stage: int
    choice: str
    level: str
    reference: str
    shares: Floats  # (trials,)


def fit(records: Sequence[TrialRecord], *, by: By = "stage", space: Space | None = None) -> Fit:
    """The effects, and whether the trials were enough for them."""
    if by not in ("stage", "network"):
        raise OptionError(known("scope", by, ("stage", "network")))
    done = complete(records)
    columns = _columns(_shares([trial.architecture for trial in done], by, space)) if done else []
    needed = TRIALS_PER_COEFFICIENT * (3 + len(columns))
    if not columns or len(done) < needed:
        return Fit((), len(done), needed)
    log_macs = np.log([max(1, trial.macs) for trial in done])
    size = log_macs - log_macs.mean()
    x = np.column_stack([np.ones(len(done)), size, size**2, *(column.shares for column in columns)])
    value, half = _least_squares(x, np.array([trial.top1 for trial in done], dtype=np.float64))
    return Fit(tuple(_told(columns, value[3:], half[3:])), len(done), needed)


def _shares(
    architectures: Sequence[Architecture], by: By, space: Space | None
) -> dict[tuple[int, str], dict[str, Floats]]:
    """For every stage and choice, by level: the share of its blocks that have it, in each architecture (n,).

    Repeats, widths and heads are one thing a stage or network, which has a share of 0 or 1.
    """
    n = len(architectures)
    different: dict[Block, int] = {}
    places = np.array(
        [
            (row, stage if by == "stage" else 0, different.setdefault(block, len(different)))
            for row, architecture in enumerate(architectures)
            for stage, blocks in zip(stages_of(architecture, space), blocks_of(architecture), strict=True)
            for block in blocks
        ]
    ).reshape(-1, 3)
    found: dict[tuple[int, str], dict[str, Floats]] = {}
    for stage in np.unique(places[:, 1]).tolist():
        rows, which = places[places[:, 1] == stage][:, [0, 2]].T
        count = np.bincount(rows, minlength=n)
        for choice, attribute in KINDS.items():
            values = np.array([str(getattr(block, attribute)) for block in different])[which]
            found[stage, choice] = {
                str(value): np.bincount(rows[values == value], minlength=n) / np.maximum(count, 1)
                for value in np.unique(values)
            }
        if by == "stage":
            found[stage, "repeats"] = {str(repeats): _is(count, repeats) for repeats in np.unique(count)}
    for name, levels in (
        ("width", np.array([_width(architecture, space) for architecture in architectures])),
        ("head", np.array([str(architecture.head.channels) for architecture in architectures])),
    ):
        found[0, name] = {str(level): _is(levels, level) for level in np.unique(levels)}
    return found


def stages_of(architecture: Architecture, space: Space | None) -> list[int]:
    """The number of each of its stages, from 1; in the space if it is one of its architectures."""
    outline = space.outline_of(architecture) if space else None
    if space is None or outline is None:
        return list(range(1, 1 + len(architecture.stages)))
    return [1 + stage for stage in space.outlines[outline].present]


def _width(architecture: Architecture, space: Space | None) -> str:
    """Widths of stem and stages; with a space those of its absent stages, too."""
    outline = space.outline_of(architecture) if space else None
    if space is None or outline is None:
        return "-".join(map(str, (architecture.stem.channels, *(stage.channels for stage in architecture.stages))))
    return space.width_name(space.outlines[outline].width)


def _is(values: npt.NDArray[Any], level: object) -> Floats:
    return np.asarray(values == level, dtype=np.float64)


def blocks_of(architecture: Architecture) -> list[tuple[Block, ...]]:
    """Canonical blocks of each stage, in a third of the time that ``architecture.canonical`` takes."""
    placed = groupby(architecture.placed, key=lambda at: at.stage)
    return [tuple(at.block.canonical(at.c_in, at.c_out) for at in stage) for _, stage in placed]


def _columns(shares: Mapping[tuple[int, str], Mapping[str, Floats]]) -> list[_Column]:
    """A column for each level but the most frequent one of each choice."""
    columns = []
    for stage, choice in sorted(shares, key=lambda key: (ORDER.index(key[1]), key[0])):
        levels = shares[stage, choice]
        reference = min(levels, key=lambda level: (-levels[level].sum(), _by_size(level)))
        others = sorted(levels.keys() - {reference}, key=_by_size)
        columns += [_Column(stage, choice, level, reference, levels[level]) for level in others]
    return columns


def _by_size(level: str) -> tuple[int, str]:
    return (int(level), "") if level.isdigit() else (0, level)


def _told(columns: Sequence[_Column], value: Floats, half: Floats) -> Iterator[Effect]:
    for column, middle, side in zip(columns, value.tolist(), half.tolist(), strict=True):
        n = int(np.count_nonzero(column.shares))
        if n < LEAST_TRIALS or np.ptp(column.shares) < LEAST_RANGE:
            middle = side = np.nan
        place = (column.stage, column.choice, column.level, column.reference)
        yield Effect(*place, middle, middle - side, middle + side, n)


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Coefficients and half the width of their intervals, each (columns,); NaN for what the rows cannot tell apart.

    A coefficient can be told exactly where its unit vector lies in the row space of ``x``.
    """
    scale = np.linalg.norm(x, axis=0)
    scale[scale == 0] = 1.0
    u, s, vt = np.linalg.svd(x / scale, full_matrices=False)
    rank = int((s > _TINY * s[0]).sum())
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    solve = (vt.T / s) @ u.T  # (columns, n)
    rest = 1 - (u**2).sum(axis=1)  # of each row, one less its leverage
    residuals = y - u @ (u.T @ y)
    # A row that has a column for itself is met exactly, and says nothing of the noise.
    inflated = np.divide(residuals, rest, out=np.zeros_like(rest), where=rest > _TINY)
    deviation = np.sqrt(((solve * inflated) ** 2).sum(axis=1))
    half = t_quantile(len(y) - rank) * deviation
    told = (vt**2).sum(axis=0) > 1 - _TINY
    return np.where(told, solve @ y / scale, np.nan), np.where(told, half / scale, np.nan)


def t_quantile(freedom: int) -> float:
    """Student's t below which 97.5% lie, right to three decimals from 5 degrees of freedom on.

    Source: Abramowitz and Stegun 1964, 26.7.5.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    total: float = z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
    return total
