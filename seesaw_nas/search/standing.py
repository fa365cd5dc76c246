"""Who is best among the architectures that a run trained, and which of them make its front: the one home of that.

The trial that reads highest is the luckiest one. So architectures are ranked by what the estimates of all trials say
that each is worth (:mod:`seesaw_nas.search.estimates.model`), unless the observed figures are asked for or estimates do
not serve; then :attr:`Standing.reason` says why. Loads no torch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from seesaw_nas import pareto
from seesaw_nas.evaluators import gives_accuracy, trains
from seesaw_nas.evaluators.words import TRAINED, words
from seesaw_nas.search import objectives, records
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.topics import ESTIMATE, OBSERVED
from seesaw_nas.search.worth import Figures, compare
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.costs import MACS, BlockTimes, Cost

if TYPE_CHECKING:
    from seesaw_nas.search.settings import SearchSettings

NAMED = 8  # trials of a tie that are named one by one
OF_COST = ("rows", "members", "_figures")  # what is worked out for one cost
NO_MEANS: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Contender:
    """One trained architecture.

    Attributes:
        trial: its training, the first of several.
        top1: observed, the mean of its trainings.
        worth: the figure that ranks it, in top-1: the estimate, or the observed one.
        cost: what it is set against.
    """

    trial: CompleteTrial
    top1: float
    worth: float
    cost: Cost = MACS

    @property
    def macs(self) -> int:
        return self.trial.macs

    @property
    def amount(self) -> int:
        """What it costs."""
        return objectives.amount(self.cost, self.trial)


class Standing:
    """The trained architectures of one run and how they stand to each other; computed when first asked for.

    Trainings of several data sets or recipes are never put into one.

    Attributes:
        cost: what the front sets worth against.
    """

    def __init__(
        self,
        trials: Iterable[TrialRecord],
        space: Space | None,
        budget: Budget,
        epochs: int,
        *,
        rank: str = ESTIMATE,
        accuracy: bool = True,
        score: str = TRAINED.score,
        estimates: Estimates | None = None,
        cost: Cost = MACS,
    ) -> None:
        """Take the trials as they stand.

        Args:
            trials: all of one run, whatever became of them.
            space: that they are of; ``None`` where it cannot be loaded.
            epochs: of the whole recipe.
            rank: by ``estimate``, where that serves, or ``observed``.
            accuracy: whether scores are top-1 of networks, and no figures on a scale of their own.
            score: what the figures are called.
            estimates: of this run, told of some of its trials before; made anew where ``None``.
            cost: what the front sets worth against.
        """
        self.cost = cost
        self._trials = list(trials)
        self._done = records.complete(self._trials)
        self._space, self._budget, self._epochs = space, budget, epochs
        self._rank, self._accuracy, self._given, self._score = rank, accuracy, estimates, score

    @cached_property
    def estimates(self) -> Estimates | None:
        """What is learnt from all trials; ``None`` where they are ranked by what was observed without it."""
        if self._objection or self._space is None:
            return None
        found = self._given or Estimates(self._space, max(self._epochs, 1), self._budget.high)
        for trial in self._trials:
            found.tell(trial)
        return found

    def against(self, cost: Cost) -> Standing:
        """The same trials by the same estimates, their front set against another cost."""
        found = copy.copy(self)
        found.__dict__ = {name: value for name, value in vars(self).items() if name not in OF_COST} | {"cost": cost}
        return found

    @property
    def by(self) -> str:
        """What the order rests on: ``estimate`` or ``observed``."""
        return ESTIMATE if self.estimates is not None and self._differ and self.estimates.knows else OBSERVED

    @cached_property
    def _differ(self) -> bool:
        """Whether there is anything to tell apart; of equal scores the fewest Multi-Adds decide."""
        return len({trial.top1 for trial in self._done}) > 1

    @cached_property
    def reason(self) -> str:
        """Why the order is as it is, in a sentence; empty where nothing is trained, or as observed was asked for."""
        if self.estimates is None:
            return f"ranked by what was observed: {self._objection}" if self._asks else ""
        if not self._differ and len(self._done) > 1:
            return f"ranked by observed {self._score}: it is the same for all"
        if self.by == ESTIMATE:
            return f"ranked by estimate: {self.estimates.reason}"
        return f"ranked by observed {self._score}: {self.estimates.reason}"

    @property
    def _asks(self) -> bool:
        return self._rank == ESTIMATE and bool(self._done)

    @cached_property
    def _objection(self) -> str:
        """Why no estimates are made; empty where they are."""
        if not self._asks:
            return "that was asked for"
        if not self._accuracy:
            return "the evaluator's scores are no accuracies"
        if not all(0 <= trial.top1 <= 1 for trial in self._done):
            return "scores outside 0 to 1 are no accuracies"
        if self._space is None:
            return "the run's space cannot be loaded"
        if not all(trial.architecture is None or trial.architecture in self._space for trial in self._trials):
            return "not all architectures are of the run's space as it is now"
        return ""

    @cached_property
    def rows(self) -> list[Contender]:
        """Every trained architecture in the order of its first trial; without estimates, every complete trial."""
        if self.estimates is None:
            return [self.observed(trial) for trial in self._done]
        same: dict[str, list[CompleteTrial]] = {}
        for trial in sorted(self._done, key=lambda trial: trial.number):
            same.setdefault(trial.digest, []).append(trial)
        means = self.estimates.of([first.architecture for first, *_ in same.values()]).mean.tolist()
        rows = []
        for trainings, mean in zip(same.values(), means, strict=True):
            top1 = sum(trial.top1 for trial in trainings) / len(trainings)
            rows.append(Contender(trainings[0], top1, mean if self.by == ESTIMATE else top1, self.cost))
        return rows

    def observed(self, trial: CompleteTrial) -> Contender:
        """That of a single training, at what was observed of it."""
        return Contender(trial, trial.top1, trial.top1, self.cost)

    @cached_property
    def members(self) -> list[Contender]:
        """The front: those that no other beats in both worth and cost, from the cheapest to the costliest."""
        return [self.rows[i] for i in pareto.front(self._points(self.rows))]

    def front(self) -> list[CompleteTrial]:
        """The trials of :attr:`members`."""
        return [row.trial for row in self.members]

    @property
    def leader(self) -> Contender | None:
        """Who is worth most; of equals the one that costs least; ``None`` of none."""
        return max(self.members, key=lambda row: (row.worth, -row.amount), default=None)

    def best(self, means: Mapping[str, float] = NO_MEANS) -> CompleteTrial | None:
        """The leader's trial; ``None`` of none.

        Args:
            means: top1 by digest, of those trained again with fresh seeds; where there are some, the best is one of
                them, by its mean.
        """
        if means and any(trial.digest in means for trial in self._done):
            return records.best(self._done, means)
        return None if self.leader is None else self.leader.trial

    @property
    def knee(self) -> CompleteTrial | None:
        """Where the front bends; ``None`` with fewer than three members."""
        return self.members[pareto.knee(self._points(self.members))].trial if len(self.members) > 2 else None

    def first(self, count: int) -> list[Contender]:
        """The ``count`` best: front by front, of each the one worth most first."""
        if not self.rows:
            return []
        ranks = pareto.ranks(self._points(self.rows))
        order = sorted(range(len(self.rows)), key=lambda i: (ranks[i], -self.rows[i].worth, self.rows[i].trial.number))
        return [self.rows[i] for i in order[:count]]

    def row(self, trial: CompleteTrial) -> Contender:
        """That of the architecture of a trial."""
        at = self._at.get(trial.digest) if self.estimates is not None else None
        return self.observed(trial) if at is None else self.rows[at]

    def figures(self, trial: CompleteTrial) -> Figures | None:
        """What the estimates say of the architecture of a trial; ``None`` where nothing is estimated."""
        at = self._at.get(trial.digest) if self.estimates is not None else None
        return None if at is None else self._figures[at]

    @property
    def ties(self) -> list[CompleteTrial]:
        """Those that differ from the leader by less than the noise, it included, the highest worth first."""
        tied = [row for row, figures in zip(self.rows, self._figures, strict=False) if figures.tied_with_best]
        return [row.trial for row in sorted(tied, key=lambda row: (-row.worth, row.amount))]

    @property
    def cheapest_tie(self) -> CompleteTrial | None:
        """Of :attr:`ties` the one that costs least; ``None`` where nothing is estimated."""
        return min(self.ties, key=lambda trial: objectives.amount(self.cost, trial), default=None)

    @property
    def tie_sentence(self) -> str:
        """Who cannot be told from the leader; empty where nothing is estimated or one architecture was trained."""
        ties, cheapest = self.ties, self.cheapest_tie
        if cheapest is None or len(self.rows) < 2:
            return ""
        if len(ties) == 1:
            return f"trial {cheapest.number} is ahead of all others by more than the noise"
        named = ", ".join(str(trial.number) for trial in ties[:NAMED])
        more = f" and {len(ties) - NAMED} more" if len(ties) > NAMED else ""
        return (
            f"trials {named}{more} differ by less than the noise; the cheapest of them is trial {cheapest.number} "
            f"with {self.cost.tell(objectives.amount(self.cost, cheapest))}"
        )

    @staticmethod
    def _points(rows: Sequence[Contender]) -> list[tuple[float, float]]:
        return [(row.worth, float(row.amount)) for row in rows]

    @cached_property
    def _at(self) -> dict[str, int]:
        return {row.trial.digest: i for i, row in enumerate(self.rows)}

    @cached_property
    def _figures(self) -> list[Figures]:
        """Of each of the rows; empty where nothing is estimated."""
        if self.estimates is None or self.leader is None:
            return []
        architectures = [row.trial.architecture for row in self.rows]
        leader = self._at[self.leader.trial.digest]
        amounts = [row.amount for row in self.rows]
        return compare(self.estimates, architectures, self.estimates.of(architectures), leader, amounts)


def of_run(
    settings: SearchSettings,
    trials: Sequence[TrialRecord],
    space: Space | None,
    budget: Budget,
    epochs: int = 0,
    profile: BlockTimes | None = None,
) -> Standing:
    """How the architectures of a run stand, by its settings.

    Args:
        trials, space: as of :class:`Standing`.
        epochs: of a whole training, where the evaluator is at hand; else those of the recipe, and of an evaluator
            without one the longest training there is.
        profile: the times by which an objective of latency is told.

    Raises:
        OptionError: there is such an objective and no profile.
    """
    evaluator = settings.scoring.evaluator
    if not epochs:
        has_recipe = trains(evaluator) or bool(settings.scoring.table)
        longest = max((len(trial.curve) for trial in trials), default=0)
        epochs = settings.training.fitted_recipe.epochs if has_recipe else longest
    return Standing(
        trials,
        space,
        budget,
        epochs,
        rank=settings.ending.rank,
        accuracy=gives_accuracy(evaluator),
        score=words(evaluator).score,
        cost=objectives.cost_of(settings.proposals.objectives, profile),
    )
