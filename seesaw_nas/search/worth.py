"""Chances of being the best or of belonging to the front, and ties with the best, where they cost least to tell.

All that is compared is compared by its joint distribution, whose size is the square of the number of architectures. So
of thousands only those that may win are looked at; the others get a chance of 0 and no tie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas import pareto
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.estimates import chances
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.model import Estimates, Worth

NEAREST = 300  # architectures nearest to the best, and as many nearest to the front


@dataclass(frozen=True, slots=True)
class Figures:
    """What the estimates say of a trained architecture; the names are those of the files that hold them.

    Attributes:
        estimate: expected top-1 of the whole recipe, averaged over seeds, a fraction.
        estimate_sd: its standard deviation, without the noise of a single seed.
        chance_of_best: to be worth most of those trained; they add up to 1.
        chance_of_front: that none of those trained is worth as much and costs less, as the front counts it.
        tied_with_best: whether it differs from the best by less than the noise; true for the best itself.
    """

    estimate: float
    estimate_sd: float
    chance_of_best: float
    chance_of_front: float
    tied_with_best: bool

    def __str__(self) -> str:
        return f"{self.estimate:.2%} +- {100 * self.estimate_sd:.2f}"


def compare(
    estimates: Estimates, architectures: Sequence[Architecture], found: Worth, leader: int, amounts: Sequence[int]
) -> list[Figures]:
    """Figures of distinct architectures, in their order.

    Args:
        found: what is estimated of them.
        leader: position of the best.
        amounts: what each costs, by the cost of the front.
    """
    spent = np.array(amounts, np.float64)
    best, front, tied = np.zeros(len(spent)), np.zeros(len(spent)), np.zeros(len(spent), np.bool_)
    picked = _nearest(found.mean + 2 * found.sd, spent, leader)
    mean, covariance = estimates.joint([architectures[i] for i in picked])
    best[picked] = chances.of_best(mean, covariance)
    front[picked] = chances.of_front(mean, covariance, spent[picked])
    tied[picked] = chances.ties(mean, covariance, picked.index(leader))
    rows = zip(found.mean.tolist(), found.sd.tolist(), best.tolist(), front.tolist(), tied.tolist(), strict=True)
    return [Figures(*row) for row in rows]


def _nearest(upper: Array, spent: Array, leader: int) -> list[int]:
    """Positions of all, or of those whose upper limits are nearest to the best and to the front, and the leader."""
    if len(spent) <= 2 * NEAREST:
        return list(range(len(spent)))
    highest = np.argsort(-upper, kind="stable")[:NEAREST].tolist()
    nearest = pareto.order(np.column_stack([upper, spent]))[:NEAREST]
    return sorted({leader, *highest, *nearest})
