"""Candidates screened by a predictor of top-1, as long as it is worth more than counting Multi-Adds.

The candidates are exact draws, neighbours of the best and the best of samples of an additive model. Top-1 is drawn for
all of them from what the predictor leaves possible, and the highest under a limit of Multi-Adds is proposed. One
proposal in four is not the predictor's, so that it learns what it would not have asked for. While it is not to be
relied on, all are those of ``thompson``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from seesaw_nas.search.estimates import reliability as judging
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.predictor import FOLDS, MOST, Descriptions, Fitted, cross_validated
from seesaw_nas.search.estimates.reliability import Reliability
from seesaw_nas.search.strategies.base import Observed, Setting, best_first, observed
from seesaw_nas.search.strategies.thompson import Thompson

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.history.history import History

EXPLORED = 4  # one proposal in so many is not the predictor's
JUDGED = 8  # the predictor is judged again after an eighth more records
DRAWS, ROUNDS = 16, 24  # exact draws for each trial, and for how many trials they remain candidates
PARENTS, CHILDREN = 8, 8  # the best trained, and neighbours of each
SAMPLES = 8  # of the additive model
OF_DRAWS, OF_CHILDREN, OF_SAMPLES = 3, 4, 5  # purposes of randomness


class Predicted:
    """Thompson sampling until the predictor is worth something; then what it holds for the best of many."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._thompson = Thompson(setting)
        self._described = Descriptions(setting.feasible.space, setting.cheap)
        self._judged: tuple[list[tuple[int, float]], Reliability] | None = None
        self._drawn: dict[int, list[Architecture]] = {}
        self._children: dict[int, list[Architecture]] = {}

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture within the budget."""
        number = len(history)
        found = observed(history, self._setting.levels, judging.LEAST)
        if len(found) >= judging.LEAST:
            judged = self._judge(found)
            if not judged.is_enough:
                architecture, origin = self._thompson.proposal(history, taken)
                return history.add(architecture, f"{origin}; no predictor yet: {judged}")
            if number % EXPLORED and (best := self._best(history, found, taken)):
                architecture, origin = best
                return history.add(architecture, f"{origin}; {judged}")
        return history.add(*self._thompson.proposal(history, taken))

    def _judge(self, found: Sequence[Observed]) -> Reliability:
        """What the predictor came to when last judged: by the first records, so many that a resumed search agrees."""
        first = found[: count_at(len(found))][-MOST:]
        known = [(entry.number, entry.top1) for entry in first]
        if self._judged is None or self._judged[0] != known:
            rows, top1 = self._rows(first), _top1(first)
            macs = np.array([entry.macs for entry in first], np.float64)
            predicted = cross_validated(rows, top1, FOLDS, self._setting.generator(len(first)))
            self._judged = known, judging.reliability(predicted, macs, top1)
        return self._judged[1]

    def _rows(self, found: Sequence[Observed]) -> Array:
        return self._described.of([entry.architecture for entry in found])

    def _best(self, history: History, found: Sequence[Observed], taken: Set[str]) -> tuple[Architecture, str] | None:
        """The new candidate with the highest drawn top-1 under a limit; ``None`` where there is no candidate."""
        rng = self._setting.generator(len(history), OF_SAMPLES)
        limit, front = self._thompson.limit(rng), self._setting.front
        self._thompson.learn(history)
        candidates = {
            candidate.digest: candidate
            for candidate in self._candidates(len(history), found, limit, rng)
            if front.cost.of(candidate) <= limit and candidate.digest not in taken
        }
        if not candidates:
            return None
        learnt = Fitted(self._rows(found[-MOST:]), _top1(found[-MOST:]))
        several = list(candidates.values())
        rows = self._described.of(several)
        at = int(np.argmax(learnt.drawn(rows, rng)))
        expected = float(learnt.predict(rows[at : at + 1])[0])
        return several[at], f"predicted {expected:.1%} under {front.cost.tell(limit)}"

    def _candidates(
        self, number: int, found: Sequence[Observed], limit: int, rng: np.random.Generator
    ) -> Iterator[Architecture]:
        """Architectures within the budget, the same ones whether the search was resumed or not."""
        for before in range(max(0, number - ROUNDS + 1), number + 1):
            yield from self._draws_of(before)
        for entry in best_first(found, self._setting.objectives, self._setting.cost)[:PARENTS]:
            yield from self._children_of(entry.number, entry.architecture)
        budget = self._setting.feasible.budget
        for _ in range(SAMPLES):
            sample = self._thompson.sample(limit, rng)
            if sample is not None and sample in budget:
                yield sample

    def _draws_of(self, number: int) -> list[Architecture]:
        if number not in self._drawn:
            rng = self._setting.generator(number, OF_DRAWS)
            self._drawn[number] = [self._setting.feasible.draw_fair(rng) for _ in range(DRAWS)]
            self._drawn.pop(number - ROUNDS, None)
        return self._drawn[number]

    def _children_of(self, number: int, parent: Architecture) -> list[Architecture]:
        if number not in self._children:
            rng = self._setting.generator(number, OF_CHILDREN)
            self._children[number] = [self._setting.feasible.mutate(parent, rng) for _ in range(CHILDREN)]
        return self._children[number]


def _top1(found: Sequence[Observed]) -> Array:
    return np.array([entry.top1 for entry in found], np.float64)


def count_at(n: int) -> int:
    """How many of n records there were when the predictor was last judged: 16, 18, 20, 22, 24, 27, ..."""
    count = judging.LEAST
    while (more := count + count // JUDGED) <= n:
        count = max(more, count + 1)
    return count


make = Predicted
