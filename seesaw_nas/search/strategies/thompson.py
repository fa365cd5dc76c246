"""Thompson sampling on an additive model of top-1, its best architecture found exactly within the budget.

Top-1 is modelled as a sum over the choices: the width, each stage's repeats, and each block's expansion, kernel,
grouping and activation, by stage and over the whole network. Weights are drawn from what the trained architectures
leave possible (Bayesian linear regression); the architecture with the highest sum under a limit of Multi-Adds is then
found by dynamic programming, without a candidate drawn in vain. The limit moves over the budget, so that the whole
front is sought; where top-1 alone counts it is the budget.

Agrawal and Goyal 2013, arXiv:1209.3352, for the sampling.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seesaw_nas.search.strategies.base import ExactDraws, Setting, observed
from seesaw_nas.space import Space
from seesaw_nas.space.additive import Additive, Scores
from seesaw_nas.space.definition import Slot
from seesaw_nas.space.genotype import traits

if TYPE_CHECKING:
    from seesaw_nas.search.history import History
    from seesaw_nas.spec import Architecture

Array = npt.NDArray[np.float64]
STARTUP = 8  # exact draws before the first proposal
MAX_TRIES = 20  # at a neighbour that is new, where the best is known already
AT_BUDGET = 1 / 3  # of the limits for a front are the budget itself, where top-1 is highest
NOISE = 0.5  # share of the variance of top1 that the model is not to explain
OF_STAGE = 0.5  # prior variance of what a choice means in one stage, over what it means everywhere


class Features:
    """An architecture as counts of its choices, each over how often it could be made."""

    def __init__(self, space: Space, high: int) -> None:
        self.space, self._high = space, high
        names: dict[tuple[object, ...], None] = {}
        for width in range(space.widths):
            names["width", width] = None
            for slot in space.slots(width):
                for block in space.offered(slot):
                    for trait in traits(block).items():
                        names["all", *trait] = None
                        names["stage", slot.stage, *trait] = None
        for i, stage in enumerate(space.stages):
            for n in stage.repeats:
                names["repeats", i, n] = None
        names["macs",] = None
        names["constant",] = None
        self._at = {name: i for i, name in enumerate(names)}
        self.scale = np.array([self._prior(name) for name in names])
        self._blocks: dict[Slot, Array] = {}

    def __len__(self) -> int:
        return len(self._at)

    def _prior(self, name: tuple[object, ...]) -> float:
        """Standard deviation of a weight, folded into its feature."""
        places = sum(stage.max_repeats for stage in self.space.stages)
        if name[0] == "all":
            return 2.0 / places
        if name[0] == "stage":
            return 2.0 * float(np.sqrt(OF_STAGE)) / self.space.stages[int(str(name[1]))].max_repeats
        return 3.0 if name[0] in ("macs", "constant") else 1.0

    def of_blocks(self, slot: Slot) -> Array:
        """What each block on offer at a place adds: (blocks, features)."""
        if slot not in self._blocks:
            offered = self.space.offered(slot)
            rows = np.zeros((len(offered), len(self)))
            for row, block in zip(rows, offered, strict=True):
                for trait in traits(block).items():
                    row[self._at["all", *trait]] += 1
                    row[self._at["stage", slot.stage, *trait]] += 1
                row[self._at["macs",]] = slot.macs(block) / self._high
            self._blocks[slot] = rows * self.scale
        return self._blocks[slot]

    def of(self, architecture: Architecture) -> Array:
        """The features of a whole architecture: (features,)."""
        width = self.space.width_of(architecture)
        assert width is not None, "an architecture of the space has one of its widths"
        row = np.zeros(len(self))
        row[self._at["width", width]] = 1
        row[self._at["constant",]] = 1
        row[self._at["macs",]] = self.space.fixed_macs(width) / self._high
        for i, stage in enumerate(architecture.stages):
            row[self._at["repeats", i, len(stage.blocks)]] = 1
        row *= self.scale
        slots = {(slot.stage, slot.index): slot for slot in self.space.slots(width)}
        for at in architecture.canonical.placed:
            slot = slots[at.stage, at.index]
            row += self.of_blocks(slot)[self.space.offered(slot).index(at.block)]
        return row

    def scores(self, weights: Array) -> Scores:
        """The choices' scores under these weights."""
        scaled = weights * self.scale
        fixed = np.array([self.space.fixed_macs(width) for width in range(self.space.widths)]) / self._high
        width = [scaled[self._at["width", width]] for width in range(self.space.widths)]
        repeats = tuple(
            np.array([scaled[self._at["repeats", i, n]] for n in stage.repeats])
            for i, stage in enumerate(self.space.stages)
        )
        macs = scaled[self._at["macs",]]
        return Scores(np.array(width) + macs * fixed, repeats, lambda slot: self.of_blocks(slot) @ weights)


class Thompson:
    """Exact draws first; then the best architecture under a limit, for weights drawn anew for each trial."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._draws = ExactDraws(setting)
        feasible = setting.feasible
        self._features = Features(feasible.space, feasible.budget.high)
        self._best = Additive(feasible.space, feasible.budget)
        self._sums, self._learnt = _Sums(len(self._features)), list[int]()

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture within the budget."""
        number = len(history)
        if not self._learn(history):
            return history.add(self._draws.draw(number, taken), "exact draw")
        rng = self._setting.generator(number, 2)
        weights = self._sums.drawn(rng)
        feasible = self._setting.feasible
        limit = self._limit(rng)
        architecture = self._best.best(self._features.scores(weights), limit, feasible.budget.low)
        if architecture is None or feasible.budget.low > 0:
            architecture = feasible.repaired(architecture or self._draws.draw(number, taken), rng)
        for _ in range(MAX_TRIES):
            if architecture.digest not in taken:
                return history.add(architecture, f"best of a sample under {limit:,} Multi-Adds")
            architecture = feasible.mutate(architecture, rng)
        return history.add(self._draws.draw(number, taken), "exact draw")

    def _learn(self, history: History) -> bool:
        """Take in what is new, in the order of the trials, so that a resumed search sums up alike.

        Returns:
            Whether there is enough to go by.

        Where trials are stopped early and few are complete, those at the same epoch are taken anew each time.
        """
        complete = history.complete
        if len(complete) < STARTUP and len(self._setting.levels) > 1:
            found = observed(history, self._setting.levels, STARTUP)
            self._sums, self._learnt = _Sums(len(self._features)), []
            for entry in found:
                self._sums.add(self._features.of(entry.record.spec), entry.top1)
            return len(found) >= STARTUP
        if self._learnt and complete[len(self._learnt) - 1].number != self._learnt[-1]:
            self._learnt = []  # some came in between
        if not self._learnt:
            self._sums = _Sums(len(self._features))
        for record in complete[len(self._learnt) :]:
            self._sums.add(self._features.of(record.spec), record.top1 or 0.0)
            self._learnt.append(record.number)
        return len(complete) >= STARTUP

    def _limit(self, rng: np.random.Generator) -> int:
        """The Multi-Adds under which to look for the best."""
        feasible = self._setting.feasible
        if self._setting.objectives == "top1" or rng.random() < AT_BUDGET:
            return feasible.budget.high
        lowest = max(feasible.cheapest_macs, feasible.budget.low)  # even in ratio: half the cost counts alike anywhere
        return int(lowest * (feasible.budget.high / lowest) ** rng.random())


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
        mean = self._top1 / self._count
        spread = float(np.sqrt(max(self._squares / self._count - mean * mean, 0.0))) or 1.0
        precision = self._products / NOISE + np.eye(len(self._rows))
        lower = np.linalg.cholesky(precision)
        found = np.linalg.solve(precision, (self._with_top1 - mean * self._rows) / spread / NOISE)
        return np.asarray(found + np.linalg.solve(lower.T, rng.standard_normal(len(found))), np.float64)


make = Thompson
