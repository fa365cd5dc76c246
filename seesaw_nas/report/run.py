"""A run as a report takes it: its records, and what its folder says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from seesaw_nas.deploy.latency import NO_TIMINGS, Timings
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.words import Words, words
from seesaw_nas.search import standing
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.settings import PYTHON, SearchSettings
from seesaw_nas.search.spread import Spread
from seesaw_nas.search.standing import Standing
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.budget import Bound
from seesaw_nas.space.costs import BlockTimes, Cost


@dataclass(frozen=True)
class Run:
    """What a report tells of one search; :func:`seesaw_nas.workflows.run_reading.read` makes it of a folder.

    Attributes:
        name: of its folder.
        records: all of its proposals, in order, whatever became of them.
        space: for the images at hand; ``None`` if it can no longer be loaded.
        conditions: shown as they are, in this order: recipe, seed, hardware, versions.
        timings: of the front's members, where they were measured.
        spreads: by digest, of the architectures that were trained again.
        basis: what the figures are of; ``None`` where it is of no matter, for the run is shown by itself.
        ranked: the standing, where it is known already.
        profile: the times by which its latency is told.
    """

    name: str
    records: tuple[TrialRecord, ...]
    budget: Budget
    settings: SearchSettings
    space: Space | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    timings: Timings = NO_TIMINGS
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    basis: Basis | None = None
    ranked: Standing | None = None
    profile: BlockTimes | None = None

    @cached_property
    def standing(self) -> Standing:
        """How the trained architectures stand to each other, by the settings."""
        return self.ranked or standing.of_run(
            self.settings, self.records, self.space, self.budget, profile=self.profile
        )

    @property
    def cost(self) -> Cost:
        """What its front sets top-1 against."""
        return self.standing.cost

    @property
    def words(self) -> Words:
        """How to speak of its figures."""
        return words(self.settings.scoring.evaluator)

    @property
    def dataset(self) -> str:
        """The data set; empty where a program's own evaluator was given none."""
        is_own = self.settings.scoring.evaluator.startswith(PYTHON)
        return "" if is_own and not self.conditions.get("images") else self.settings.training.dataset

    @property
    def best(self) -> CompleteTrial | None:
        """As in ``best.json``."""
        return self.standing.best({digest: spread.mean for digest, spread in self.spreads.items()})

    @property
    def within(self) -> str:
        """The budget in words."""
        return ", ".join(
            f"{_range(bound)} {bound.cost.name}" if self.budget.others else _range(bound)
            for bound in self.budget.bounds
        )


def _range(bound: Bound) -> str:
    write = bound.cost.write
    return f"{write(bound.low)} to {write(bound.high)}" if bound.low else f"at most {write(bound.high)}"
