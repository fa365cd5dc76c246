"""The architecture with the highest sum of scores that is not among some known ones, exactly.

The best of all is found by dynamic programming. If it is known, the architectures that are left are divided by the
first choice in which they differ from it, and the best of each part is found alike (Lawler 1972, Management Science
18:401, for the best, second best and so on).
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.additive import Additive, Scores
from seesaw_nas.space.stages import Slot

MOST = 400  # programmes that are solved, of milliseconds each
Choice = tuple[str, int, int]  # which decision: outline, repeats of a stage that is there, block at a place of it


@dataclass(frozen=True)
class _Part:
    """Architectures with some decisions made and some excluded."""

    made: Mapping[Choice, int] = field(default_factory=dict)
    without: Mapping[Choice, frozenset[int]] = field(default_factory=dict)

    def scores(self, scores: Scores) -> Scores:
        """Scores with minus infinity for what does not belong."""
        outlines = self._masked(scores.outlines, ("outline", 0, 0))
        repeats = tuple(self._masked(values, ("repeats", i, 0)) for i, values in enumerate(scores.repeats))
        return Scores(outlines, repeats, lambda slot: self._masked(scores.blocks(slot), _block(slot)))

    def _masked(self, values: Array, choice: Choice) -> Array:
        kept = np.ones(len(values), bool)
        if choice in self.made:
            kept[:] = False
            kept[self.made[choice]] = True
        kept[list(self.without.get(choice, ()))] = False
        return np.where(kept, values, -np.inf)

    def divided(self, chosen: Mapping[Choice, int]) -> list[_Part]:
        """All but the architecture of these choices, in parts."""
        parts, made = [], dict(self.made)
        for choice, value in chosen.items():
            if choice not in self.made:
                excluded = self.without.get(choice, frozenset()) | {value}
                parts.append(_Part(dict(made), {**self.without, choice: excluded}))
                made[choice] = value
        return parts


def _block(slot: Slot) -> Choice:
    return "block", slot.stage, slot.index


def best_unknown(
    programme: Additive, scores: Scores, space: Space, budget: Budget, known: Collection[str]
) -> Architecture | None:
    """The best architecture within a budget that is not known; ``None`` where there is none, or after :data:`MOST`.

    Args:
        programme: of the space and the budget; what it finds is as exact as it is.
        known: digests.
    """
    order, waiting, solved = count(), list[tuple[float, int, Architecture, _Part]](), 0
    parts = [_Part()]
    while solved < MOST:
        for part in parts:
            found = programme.best(part.scores(scores), budget.high, budget.low)
            solved += 1
            if found is not None:
                heapq.heappush(waiting, (-scores.total(space, found), next(order), found, part))
        if not waiting:
            return None
        _, _, best, part = heapq.heappop(waiting)
        if best.digest not in known and best in budget:
            return best
        parts = part.divided(_choices(space, best))
    return None


def _choices(space: Space, architecture: Architecture) -> dict[Choice, int]:
    """The decisions that make an architecture."""
    outline, blocks, repeats = space.take_apart(architecture)
    found: dict[Choice, int] = {("outline", 0, 0): outline}
    for i in space.outlines[outline].present:
        found["repeats", i, 0] = space.stages[i].repeats.index(repeats[i])
    for slot, block in blocks.items():
        found[_block(slot)] = space.number(slot, block)
    return found
