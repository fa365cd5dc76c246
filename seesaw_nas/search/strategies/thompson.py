"""Thompson sampling on an additive model of top-1, its best architecture within a limit found without candidates.

Worth is modelled as a sum over the choices: the width, each stage's repeats, and each block's expansion, kernel,
grouping and activation, by stage and over the whole network. Weights are drawn from what all trials leave possible, by
the estimates of the search (:mod:`seesaw_nas.search.estimates.model`), or, of scores that are no accuracy, by plain
Bayesian regression on them; the architecture with the highest sum under a limit of Multi-Adds is then found by dynamic
programming, without a candidate drawn in vain. The limit moves over the budget, so that the whole front is sought;
where top-1 alone counts it is the budget. After short trainings the few whole ones are the expected best under limits
that are spread evenly.

Agrawal and Goyal 2013, arXiv:1209.3352, for the sampling.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from seesaw_nas.search.estimates.features import Array, Features
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.strategies.base import ExactDraws, Setting, observed
from seesaw_nas.space.additive import Additive, Scores

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.history.history import History

STARTUP = 8  # exact draws before the first proposal
MAX_TRIES = 20  # at a neighbour that is new, where the best is known already
GOLDEN = (5**0.5 - 1) / 2  # multiples of it lie as evenly between whole numbers as any
WHOLE_AT_BUDGET = 1 / 6  # of the limits for whole trainings after short ones; the last is the best of the space anyway
AT_BUDGET = 1 / 3  # of the limits for a front are the budget itself, where top-1 is highest
NOISE = 0.5  # share of the variance of top1 that the model is not to explain


class Thompson:
    """Exact draws first; then the best architecture under a limit, for weights drawn anew for each trial."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._draws = ExactDraws(setting)
        feasible = setting.feasible
        self._front = setting.front
        self._best = Additive(feasible.space, feasible.budget, front=self._front.cost)
        self._of_scores = _OfScores(setting)
        self._of_worth = _OfWorth(setting) if setting.accuracies else None
        self._model: _OfWorth | _OfScores = self._of_worth or self._of_scores

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture within the budget."""
        return history.add(*self.proposal(history, taken))

    def proposal(self, history: History, taken: Set[str]) -> tuple[Architecture, str]:
        """What the next trial is to train, and where it is from, in words."""
        number = len(history)
        if not self.learn(history):
            return self._draws.draw(number, taken), "exact draw"
        rng = self._setting.generator(number, 2)
        feasible = self._setting.feasible
        if self._after_short(history):
            scores, limit, of = self._model.expected, self._next_limit(history), "the model"
        else:
            scores, limit, of = self._model.drawn(rng), self.limit(rng), "a sample"
        architecture, words = self._under(limit, scores), f"best of {of} under {self._front.cost.tell(limit)}"
        if architecture is None:  # a band has nothing up to this limit
            return self._draws.draw(number, taken), "exact draw"
        if architecture not in feasible.budget:  # where costs are rounded
            architecture, words = feasible.repair(architecture, rng), f"repaired {self._for(of, limit)}"
        for _ in range(MAX_TRIES):
            if architecture.digest not in taken:
                return architecture, words
            architecture, words = feasible.mutate(architecture, rng), f"mutation of the {self._for(of, limit)}"
        return self._draws.draw(number, taken), "exact draw"

    @staticmethod
    def _after_short(history: History) -> bool:
        """Whether a whole training is to be proposed after short ones, which have explored."""
        return not history.schedule and bool(history.short)

    def _next_limit(self, history: History) -> int:
        """The limit for the next of a few whole trainings: these are spread evenly, in whatever number they come."""
        return self._limit_at((len(history) - len(history.short) + 1) * GOLDEN % 1.0, WHOLE_AT_BUDGET)

    def sample(self, limit: int, rng: np.random.Generator) -> Architecture | None:
        """The best architecture under a limit for weights drawn anew, known or not; near a lower end it may miss it."""
        return self._under(limit, self._model.drawn(rng))

    def _under(self, limit: int, scores: Scores) -> Architecture | None:
        return self._best.best(scores, limit, self._front.low)

    def learn(self, history: History) -> bool:
        """Take in what is new; whether there is enough to go by."""
        if self._of_worth and (self._of_worth.learn(history) or not self._of_worth.misses(history)):
            self._model = self._of_worth
            return self._of_worth.enough
        self._model = self._of_scores
        return self._of_scores.learn(history)

    def limit(self, rng: np.random.Generator) -> int:
        """What the best to be looked for may cost, by the front's cost."""
        if not self._setting.is_front or rng.random() < AT_BUDGET:
            return self._front.high
        return self._limit_at(rng.random(), 0.0)

    def _for(self, of: str, limit: int) -> str:
        """The words for what is changed afterwards, so that it may be above the limit."""
        return f"best of {of} for {self._front.cost.tell(limit)}"

    def _limit_at(self, place: float, at_budget: float) -> int:
        """The limit at a place from 0 to 1, the first ``at_budget`` of which are the budget itself."""
        feasible = self._setting.feasible
        if not self._setting.is_front or place < at_budget:
            return self._front.high
        is_lead = feasible.lead.cost == self._front.cost
        cheapest = feasible.cheapest if is_lead else feasible.space.cheapest(self._front.cost)
        lowest = max(cheapest, self._front.low)  # even in ratio: half the cost counts alike anywhere
        return int(lowest * (self._front.high / lowest) ** ((place - at_budget) / (1 - at_budget)))


class _OfWorth:
    """Scores of the choices by the estimates of the search."""

    def __init__(self, setting: Setting) -> None:
        feasible = setting.feasible
        self._live = setting.live or Live(feasible.space, feasible.budget, setting.levels[-1])

    @property
    def enough(self) -> bool:
        return len(self._estimates) >= STARTUP

    def learn(self, history: History) -> bool:
        self._estimates = self._live.follow(history)
        return self.enough

    def misses(self, history: History) -> bool:
        """Whether a program's evaluator gives what is no fraction, of which estimates know nothing."""
        return len(history.complete) > len(self._estimates)

    def drawn(self, rng: np.random.Generator) -> Scores:
        return self._estimates.draw(rng)

    @property
    def expected(self) -> Scores:
        return self._estimates.scores


class _OfScores:
    """Scores of the choices by Bayesian regression on whatever the evaluator says, which is no accuracy."""

    def __init__(self, setting: Setting) -> None:
        self._levels = setting.levels
        self._features = Features(setting.feasible.space, setting.feasible.budget.high)
        self._sums, self._learnt = _Sums(len(self._features)), list[int]()

    def drawn(self, rng: np.random.Generator) -> Scores:
        return self._features.scores(self._sums.drawn(rng))

    @property
    def expected(self) -> Scores:
        return self._features.scores(self._sums.expected)

    def learn(self, history: History) -> bool:
        """Take in what is new, in the order of the trials, so that a resumed search sums up alike.

        Where trials are stopped early and few are complete, those at the same epoch are taken anew each time.
        """
        complete = history.complete
        if len(complete) < STARTUP and len(self._levels) > 1:
            found = observed(history, self._levels, STARTUP)
            self._sums, self._learnt = _Sums(len(self._features)), []
            for entry in found:
                self._sums.add(self._features.of(entry.architecture), entry.top1)
            return len(found) >= STARTUP
        if self._learnt and complete[len(self._learnt) - 1].number != self._learnt[-1]:
            self._learnt = []  # some came in between
        if not self._learnt:
            self._sums = _Sums(len(self._features))
        for trial in complete[len(self._learnt) :]:
            self._sums.add(self._features.of(trial.architecture), trial.top1)
            self._learnt.append(trial.number)
        return len(complete) >= STARTUP


class _Sums:
    """All that a linear regression needs to know of the trials, whatever their number."""

    def __init__(self, features: int) -> None:
        self._products = np.zeros((features, features))
        self._rows, self._with_top1 = np.zeros(features), np.zeros(features)
        self._count, self._top1, self._squares = 0, 0.0, 0.0

    def add(self, row: Array, top1: float) -> None:
        self._products += np.outer(row, row)
        self._rows += row
        self._with_top1 += top1 * row
        self._count, self._top1, self._squares = self._count + 1, self._top1 + top1, self._squares + top1 * top1

    def drawn(self, rng: np.random.Generator) -> Array:
        """Weights drawn from their posterior for standardised top-1, under a prior of unit variance: (features,)."""
        found, lower = self.expected, np.linalg.cholesky(self._precision)
        return np.asarray(found + np.linalg.solve(lower.T, rng.standard_normal(len(found))), np.float64)

    @property
    def expected(self) -> Array:
        """The mean of that posterior: (features,)."""
        mean = self._top1 / self._count
        spread = float(np.sqrt(max(self._squares / self._count - mean * mean, 0.0))) or 1.0
        centred = (self._with_top1 - mean * self._rows) / spread / NOISE
        return np.asarray(np.linalg.solve(self._precision, centred), np.float64)

    @property
    def _precision(self) -> Array:
        return np.asarray(self._products / NOISE + np.eye(len(self._rows)), np.float64)


make = Thompson
