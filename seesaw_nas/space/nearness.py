"""The architecture within a budget that keeps the most of some genes, such as those that a sampler proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space.additive import Additive, Scores
from seesaw_nas.space.cost_counts import Array
from seesaw_nas.space.definition import Space
from seesaw_nas.space.feasible import Feasible
from seesaw_nas.space.genotype import KINDS, block_gene, decode, fill_in, genes, repeats_gene, traits
from seesaw_nas.space.outlines import Outline
from seesaw_nas.space.programme import Fill, Options, Programme
from seesaw_nas.space.stages import Slot


def nearest(feasible: Feasible, genotype: Mapping[str, str], rng: np.random.Generator) -> Architecture:
    """The architecture within the budget that has the most of these genes; of several one at random.

    Genes of blocks beyond the number that the genotype's repeats ask for have no meaning and do not count. The result
    is exact: no other architecture within the budget has more of the genes. Where the budget bounds several costs, it
    is as exact as these are priced (:mod:`seesaw_nas.space.pricing`).

    Raises:
        SpecError: a gene is missing or has an unknown value.
    """
    wanted = _Wanted(feasible.space, fill_in(feasible.space, genotype), rng)
    try:
        if (asked := decode(feasible.space, genotype)) in feasible.budget:
            return asked
    except SpecError:
        pass  # a combination that no architecture has
    budget, lead = feasible.budget, feasible.budget.lead
    additive = Additive(feasible.space, budget, front=lead.cost)
    found = additive.best(wanted.scores, lead.high, lead.low)
    if not budget.others and (found is None or found not in budget or not additive.exact):
        least, cheapest_or_costliest = wanted.least_lost(feasible)
        if found is None or found not in budget or wanted.lost(found) > least:
            found = cheapest_or_costliest
    if found is None:
        found = Additive(feasible.space, budget, front=lead.cost, rounds=False).best(wanted.scores, lead.high, lead.low)
    assert found is not None, "at least one architecture is within the budget"
    return found


class _Wanted:
    """The genes that are wanted, and how many of them each choice keeps.

    Attributes:
        scores: the genes that each choice keeps, as scores, and less than a half of a gene of chance to all of them.
    """

    def __init__(self, space: Space, chosen: Mapping[str, str], rng: np.random.Generator) -> None:
        self._space, self._chosen, self._vary = space, chosen, genes(space).keys()
        self._repeats = [int(chosen[repeats_gene(i)]) for i in range(len(space.stages))]
        numbers = range(len(space.outlines))
        self._kept = {slot: self._count_kept(slot) for number in numbers for slot in space.slots(number)}
        chance = 0.5 / sum(stage.max_repeats for stage in space.stages)
        blocks = {slot: kept + chance * rng.random(len(kept)) for slot, kept in self._kept.items()}
        repeats = tuple(
            np.array([float(self._is_kept(repeats_gene(i), str(n))) for n in stage.repeats])
            for i, stage in enumerate(space.stages)
        )
        outlines = np.array([float(self._count_kept_of(outline)) for outline in space.outlines])
        self.scores = Scores(outlines, repeats, blocks.__getitem__)

    def _is_kept(self, gene: str, value: str) -> bool:
        return gene in self._vary and self._chosen[gene] == value

    def _count_kept_of(self, outline: Outline) -> int:
        """The genes of width and head that an outline keeps."""
        width = self._is_kept("width", self._space.width_name(outline.width))
        return width + self._is_kept("head", str(outline.head))

    def _count_kept(self, slot: Slot) -> Array:
        """The genes that each block on offer keeps; none where no block is wanted: (options,)."""
        offered = self._space.options(slot)
        if slot.index >= self._repeats[slot.stage]:
            return np.zeros(len(offered), np.int64)
        names = {kind: block_gene(slot.stage, slot.index, kind) for kind in KINDS}
        return np.array([sum(self._is_kept(names[k], value) for k, value in traits(b).items()) for b in offered])

    def _count_wanted(self, stage: int, first: int) -> int:
        """The genes that a stage's wanted blocks have from the one at index ``first`` on."""
        places = range(first, self._repeats[stage])
        return sum(block_gene(stage, index, kind) in self._vary for index in places for kind in KINDS)

    @cached_property
    def _most(self) -> int:
        """The number of genes that are wanted."""
        frame = sum(gene in ("width", "head") or gene.endswith("repeats") for gene in self._vary)
        return frame + sum(self._count_wanted(stage, 0) for stage in range(len(self._space.stages)))

    def lost(self, architecture: Architecture) -> int:
        """How many of the wanted genes an architecture does not have."""
        return self._most - int(self.scores.total(self._space, architecture))  # without the chance

    def least_lost(self, feasible: Feasible) -> tuple[int, Architecture | None]:
        """A bound on the genes lost within the budget, and an architecture that reaches it, if there is a simple one.

        For each number of lost genes, the cheapest and the costliest architecture are known; the bound is the least
        number whose range meets the budget. One of the two ends may be within the budget, then it is returned.
        """
        ranges = [entry for outline in range(len(feasible.space.outlines)) for entry in self._ranges(feasible, outline)]
        least = min(lost for lost, *_ in ranges)
        inside = (end for lost, *ends in ranges if lost == least for end in ends if end in feasible.budget)
        return least, next(inside, None)

    def _ranges(self, feasible: Feasible, outline: int) -> Iterator[tuple[int, Architecture, Architecture]]:
        """For the first number of lost genes whose range of Multi-Adds meets the budget: it, and the two ends."""
        extra = self._count_lost_before_blocks(outline)
        low, high = (self._programme(outline, sign) for sign in (-1, 1))
        for lost in range(self._most + 1 - extra):
            if np.isneginf(low.sums[lost]):
                continue
            cheapest, costliest = (self._build(outline, programme.trace(lost)) for programme in (low, high))
            if cost.macs(cheapest) <= feasible.budget.high and cost.macs(costliest) >= feasible.budget.low:
                yield lost + extra, cheapest, costliest
                return

    def _count_lost_before_blocks(self, outline: int) -> int:
        """The genes that are lost by an outline alone: of width, head and the stages that are absent in it."""
        wanted = sum(gene in self._vary for gene in ("width", "head"))
        lost = wanted - int(self.scores.outlines[outline])
        for i, kept in enumerate(self.scores.repeats):
            if i not in self._space.outlines[outline].present:
                lost += 1 - int(kept[0]) + self._count_wanted(i, 0)
        return lost

    def _programme(self, outline: int, sign: int) -> Programme:
        """The greatest sum of Multi-Adds times ``sign`` for each number of lost genes, of the stages that are there."""
        slots = iter(self._space.slots(outline))
        fills = []
        for i in self._space.outlines[outline].present:
            stage, options = self._space.stages[i], []
            for index in range(stage.max_repeats):
                slot = next(slots)
                wanted = self._count_wanted(i, index) - self._count_wanted(i, index + 1)
                macs = np.array([slot.macs(block) for block in self._space.options(slot)], np.float64)
                options.append(Options(wanted - self._kept[slot], sign * macs))
            vary = int(repeats_gene(i) in self._vary)
            ends = [
                vary - int(kept) + self._count_wanted(i, n)
                for n, kept in zip(stage.repeats, self.scores.repeats[i], strict=True)
            ][int(stage.is_optional) :]
            fills.append(Fill(options, stage.repeats_if_present, Options(np.array(ends), np.zeros(len(ends)))))
        return Programme(fills, self._most)

    def _build(self, outline: int, chosen: list[list[int]]) -> Architecture:
        slots = {(slot.stage, slot.index): slot for slot in self._space.slots(outline)}
        present = self._space.outlines[outline].present
        blocks = [
            [self._space.options(slots[i, index])[which] for index, which in enumerate(picks)]
            for i, picks in zip(present, chosen, strict=True)
        ]
        return self._space.build(outline, blocks)
