"""What an epoch tells of an architecture: top-1, validation loss and training loss, each on a scale where they add up.

A fraction near its ceiling moves little, so top-1 is taken as its logarithm of odds, and a loss as minus its logarithm:
there the noise of two seeds is about even from poor to good networks, and what choices add is about additive (on the
recorded digits, additive choices explain 86% of the logarithm of odds and 82% of the plain fraction).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch

SIGNALS = ("top1", "validation loss", "training loss")
LEAST_LOSS, MOST_LOSS = 1e-6, 30.0
EDGE = 1e-3  # top-1 below or above which there is no telling apart
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
TOLD = ("complete", "stopped", "paused", "running", "short")  # states whose epochs say something of the architecture


def log_odds(top1: Array) -> Array:
    """Fractions on the scale of worth, those outside :data:`EDGE` brought to it."""
    inside = np.clip(top1, EDGE, 1 - EDGE)
    return np.asarray(np.log(inside / (1 - inside)), np.float64)


def expected_top1(mean: Array, variance: Array) -> tuple[Array, Array]:
    """Mean top-1 of log odds that are normal, and the slope of it, both of the shape of ``mean``."""
    points = mean[..., None] + np.sqrt(variance)[..., None] * NODES
    values = 0.5 * (1 + np.tanh(points / 2))
    shares = NODE_WEIGHTS / NODE_WEIGHTS.sum()
    return values @ shares, (values * (1 - values)) @ shares


@dataclass(frozen=True, slots=True)
class Reading:
    """What one trial has told so far.

    Attributes:
        number: of the trial.
        digest: of its architecture.
        values: the three signals after each epoch, (epochs, 3); NaN where there is none.
        whole: whether its last row is the last of its schedule.
        schedule: epochs of a schedule shorter than the recipe's; 0 for that of the recipe.
    """

    number: int
    digest: str
    values: Array
    whole: bool
    schedule: int = 0

    @property
    def epochs(self) -> int:
        return len(self.values)

    def says_the_same(self, other: Reading) -> bool:
        same = (self.digest, self.whole, self.schedule) == (other.digest, other.whole, other.schedule)
        return same and np.array_equal(self.values, other.values, equal_nan=True)


def read(record: TrialRecord, epochs: int) -> Reading | None:
    """What a trial tells; ``None`` of one without an architecture, without any accuracy, or copied from another.

    Args:
        epochs: of the whole recipe.
    """
    if record.architecture is None or record.state not in TOLD:
        return None
    if record.schedule:
        return _read_short(record)
    complete = record.state == "complete" and _is_fraction(record.top1)
    if record.state == "complete" and not complete:
        return None
    rows = [_signals(epoch) for epoch in record.curve[:epochs]]
    if complete:
        missing = [(math.nan, math.nan, math.nan)] * max(epochs - len(rows), 0)
        _, loss, train_loss = rows[-1] if rows else missing[0]
        rows = [*rows, *missing]
        rows[-1] = float(log_odds(np.array(record.top1))), loss, train_loss
    while rows and math.isnan(rows[-1][0]):
        rows.pop()  # not evaluated
    if not rows:
        return None
    return Reading(record.number, record.digest, np.array(rows, np.float64), len(rows) >= epochs)


def _read_short(record: TrialRecord) -> Reading | None:
    """What a training by a shorter schedule tells at its end; before that it tells nothing."""
    rows = np.array([_signals(epoch) for epoch in record.curve], np.float64)
    if record.state != "short" or len(rows) != record.schedule or math.isnan(rows[-1, 0]):
        return None
    return Reading(record.number, record.digest, rows, True, record.schedule)


def _signals(epoch: Epoch) -> tuple[float, float, float]:
    top1 = float(log_odds(np.array(epoch.top1))) if _is_fraction(epoch.top1) else math.nan
    return top1, _of_loss(epoch.loss), _of_loss(epoch.train_loss)


def _is_fraction(top1: float | None) -> bool:
    return top1 is not None and 0 <= top1 <= 1


def _of_loss(loss: float | None) -> float:
    if loss is None or not math.isfinite(loss) or loss < 0:
        return math.nan
    loss = min(max(loss, LEAST_LOSS), MOST_LOSS)
    return -loss - math.log(-math.expm1(-loss))  # -log(exp(loss) - 1)
