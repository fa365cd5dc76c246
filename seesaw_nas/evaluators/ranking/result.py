"""The result of an audit: a row for each evaluator, and the ceiling that noise sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seesaw_nas.evaluators.ranking.bands import Band
from seesaw_nas.evaluators.ranking.ceiling import Ceiling
from seesaw_nas.evaluators.ranking.spent import FREE, Spent, units
from seesaw_nas.evaluators.ranking.statistics import Estimate

BASELINE = "macs"
RULE = (
    "An evaluator earns its place (yes) where its interval within bands lies above 0 and above what Multi-Adds alone "
    "reach there; no: the whole interval lies below one of these; open: the trainings do not tell. Intervals are 95%, "
    "none is corrected for their number: of 40 evaluators that rank by chance, about one would earn its place."
)


@dataclass(frozen=True, slots=True)
class Row:
    """How well one evaluator ranks.

    Attributes:
        name, text: name and description of the evaluator.
        scored: number of architectures with a score.
        within, overall: its tau-b with the trained top-1, over pairs inside a band and over all pairs.
        each: median cost of one score; for an epoch, the mean recorded time until its end.
        once: cost before the first score.
        shares_noise: whether the truth is the end of the same curve that was scored.
        note: a remark; usually empty.
    """

    name: str
    text: str
    scored: int
    within: Estimate
    overall: Estimate
    each: Spent
    once: Spent = FREE
    shares_noise: bool = False
    note: str = ""


@dataclass(frozen=True)
class Audit:
    """A comparison of evaluators with trainings.

    Attributes:
        runs: runs that the trainings were read from.
        task: data, recipe and other values that all trainings share, as JSON values.
        architectures, trainings: their numbers.
        training_seconds: mean recorded duration of a whole training.
        band: the costliest architecture of a band costs at most this share more than its cheapest one.
        bands: bands of 5 architectures or more.
        left_out: number of architectures outside of these bands.
        bootstrap, seed: number of resamples, and the seed for everything random.
        baseline: the row of Multi-Adds, whether or not it is among ``rows``.
        ceiling: the ceiling that noise sets; ``None`` if no architecture has two trainings.
        rows: the evaluators, the best within bands first.
        skipped: reasons why evaluators were left out, by name.
        conditions: hardware and versions of the scoring.
        unknown: lines on what the records do not say about whether the runs are comparable.
    """

    runs: tuple[str, ...]
    task: Mapping[str, Any]
    architectures: int
    trainings: int
    training_seconds: float
    band: float
    bands: tuple[Band, ...]
    left_out: int
    bootstrap: int
    seed: int
    baseline: Row
    ceiling: Ceiling | None
    rows: tuple[Row, ...]
    skipped: Mapping[str, str]
    conditions: Mapping[str, str]
    unknown: tuple[str, ...] = ()

    @property
    def units(self) -> list[str]:
        """The units in which the rows' costs were measured."""
        return units(spent for row in self.rows for spent in (row.each, row.once))

    def verdict(self, row: Row) -> str:
        """Whether an evaluator earns its place, by :data:`RULE`: yes, no, or open; Multi-Adds are the baseline."""
        if row.name == BASELINE:
            return "baseline"
        bar, within = max(0.0, self.baseline.within.tau), row.within
        if row.shares_noise or any(map(math.isnan, (bar, self.baseline.within.tau, within.low, within.high))):
            return "open"
        return "yes" if within.low > bar else "no" if within.high < bar else "open"

    def to_dict(self) -> dict[str, Any]:
        """JSON values; ``None`` for unknown numbers."""
        content = asdict(self)
        content["rows"] = [asdict(row) | {"verdict": self.verdict(row)} for row in self.rows]
        content["rule"] = RULE
        finite: dict[str, Any] = _finite(content)
        return finite


def sort_key(row: Row) -> tuple[bool, float, bool, float]:
    """Key to sort rows by: the best within bands first, then overall; rows without a tau last."""
    within, overall = row.within.tau, row.overall.tau
    return math.isnan(within), -within if within == within else 0.0, math.isnan(overall), -overall


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
