"""A space as a define-by-run function: choice after choice, each among those values alone that lead into the budget.

Choices are made in the order of the network. Before each one, a set of the Multi-Adds that the rest of the network can
have says which values can still be followed by an architecture within the budget. So every sequence of choices is an
architecture, at both ends of a band as well, and every architecture within the budget has exactly one sequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.search.engines.ray_tune.spelling import KEY, spell
from seesaw_nas.space import Feasible, Slot, Space, genes
from seesaw_nas.space.genotype import traits

Choose = Callable[[str, Sequence[str]], str]
"""Chooses one of several values, in the order of the space; the first argument is the gene's name."""


Option = tuple[dict[str, str], Block, int]
"""A block of a slot: its genes by kind, itself, its Multi-Adds."""


class _Costs:
    """Sets of costs that parts of a network can have, in one outline of the space; a set is the bits of an integer.

    Attributes:
        options: by stage and index, the blocks of a slot, each with its genes and its Multi-Adds.
    """

    def __init__(self, feasible: Feasible, outline: int) -> None:
        space = feasible.space
        self._space, self._fixed, present = space, space.fixed_macs(outline), space.outlines[outline].present
        slots: list[list[Slot]] = [[] for _ in space.stages]
        for slot in space.slots(outline):
            slots[slot.stage].append(slot)
        self._repeats = [stage.repeats_if_present if i in present else (0,) for i, stage in enumerate(space.stages)]
        self.options = [[self._priced(slot) for slot in row] for row in slots]
        self._unit = math.gcd(*(macs for row in self.options for menu in row for *_, macs in menu)) or 1
        self._low = max(0, -((self._fixed - feasible.budget.low) // self._unit))
        self._high = (feasible.budget.high - self._fixed) // self._unit
        self._all = (1 << max(0, self._high + 1)) - 1
        self._rest = self._compute_rest()

    def _priced(self, slot: Slot) -> list[Option]:
        return [(traits(block), block, slot.macs(block)) for block in self._space.options(slot)]

    def _compute_rest(self) -> list[dict[int, list[int]]]:
        """For each stage and each number of its blocks, the costs from the slot j of that stage on, j from 0."""
        after, rest = 1, []
        for menus, repeats in zip(reversed(self.options), reversed(self._repeats), strict=True):
            of_stage: dict[int, list[int]] = {}
            for n in repeats:
                costs = [after]
                for menu in reversed(menus[:n]):
                    costs.append(self._add(costs[-1], {macs // self._unit for *_, macs in menu}))
                of_stage[n] = costs[::-1]
            after = 0
            for costs in of_stage.values():
                after |= costs[0]
            rest.append(of_stage)
        return rest[::-1]

    def _add(self, costs: int, amounts: Iterable[int]) -> int:
        total = 0
        for amount in amounts:
            total |= costs << amount
        return total & self._all

    def leads_into_budget(self, spent: int, stage: int, repeats: int, index: int) -> bool:
        """Whether an architecture fits that has spent so many Multi-Adds before the slot ``index`` of a stage.

        The stage has ``repeats`` blocks, 0 if it is absent.
        """
        if repeats not in self._rest[stage]:
            return False
        low, high = max(0, self._low - spent // self._unit), self._high - spent // self._unit
        return high >= 0 and (self._rest[stage][repeats][index] >> low) & ((1 << (high - low + 1)) - 1) != 0

    def can_begin(self, spent: int, stage: int) -> bool:
        """Whether an architecture fits that has spent so many Multi-Adds before a stage."""
        return any(self.leads_into_budget(spent, stage, n, 0) for n in self._repeats[stage])


class Choices:
    """The architectures of a budget as sequences of choices; made once and walked many times."""

    def __init__(self, feasible: Feasible) -> None:
        if feasible.budget.others:
            raise BudgetError(
                f"a define-by-run space is of Multi-Adds alone, got {feasible.budget}; take param_space, or the "
                "package's searcher, which keep every bound"
            )
        self._space = feasible.space
        self._costs = [_Costs(feasible, outline) for outline in range(len(self._space.outlines))]

    def walk(self, choose: Choose) -> Architecture:
        """The architecture that these choices lead to; where one value alone is possible, nothing is asked."""
        space = self._space
        names = [space.width_name(outline.width) for outline in space.outlines]
        left = [number for number, costs in enumerate(self._costs) if costs.can_begin(0, 0)]
        width = _ask(choose, "width", list(dict.fromkeys(names[number] for number in left)))
        left = [number for number in left if names[number] == width]
        head = _ask(choose, "head", list(dict.fromkeys(str(space.outlines[number].head) for number in left)))
        left = [number for number in left if str(space.outlines[number].head) == head]
        spent, blocks = 0, []
        for i in range(len(space.stages)):
            n = int(_ask(choose, f"stage{i + 1}.repeats", list(map(str, self._repeats(left, i, spent)))))
            left = [number for number in left if (i in space.outlines[number].present) == (n > 0)]
            row: list[Block] = []
            for j in range(n):
                block, cost = self._choose_block(choose, left, (i, n, j), spent)
                row.append(block)
                spent += cost
            if n:
                blocks.append(row)
        (outline,) = left  # all that tells outlines apart is decided
        return space.build(outline, blocks)

    def _repeats(self, left: Sequence[int], stage: int, spent: int) -> list[int]:
        return [
            n
            for n in self._space.stages[stage].repeats
            if any(self._costs[number].leads_into_budget(spent, stage, n, 0) for number in left)
        ]

    def _choose_block(
        self, choose: Choose, outlines: Sequence[int], place: tuple[int, int, int], spent: int
    ) -> tuple[Block, int]:
        """The block of the slot j of a stage i of n, and its cost; ``place`` is (i, n, j).

        Outlines that agree in all that was decided have the same blocks there, at the same costs.
        """
        i, n, j = place
        costs = [self._costs[number] for number in outlines]
        options = costs[0].options[i][j]
        fitting = {
            c for c in {c for _, _, c in options} if any(one.leads_into_budget(spent + c, i, n, j + 1) for one in costs)
        }
        left = [option for option in options if option[2] in fitting]
        for kind in left[0][0]:
            chosen = _ask(choose, f"stage{i + 1}.block{j + 1}.{kind}", list(dict.fromkeys(t[kind] for t, _, _ in left)))
            left = [entry for entry in left if entry[0][kind] == chosen]
        (_, block, cost) = left[0]
        return block, cost


def _ask(choose: Choose, name: str, values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else choose(name, values)


def define_by_run(feasible: Feasible) -> Callable[[Any], dict[str, str]]:
    """The function that Ray's ``OptunaSearch`` takes as its ``space``; every trial is an architecture of the budget.

    A gene is suggested among the values that can still be followed by an architecture within the budget. Optuna wants
    the values of a parameter to stay the same, so where only some of a gene's values are left, the parameter's name
    says which: ``stage6.block2.grouping|3f`` are the first six. The trial's ``config`` has the whole architecture as
    its one entry.
    """
    return _DefineByRun(feasible)


class _DefineByRun:
    def __init__(self, feasible: Feasible) -> None:
        self._space: Space = feasible.space
        self._genes = genes(feasible.space)
        self._choices = Choices(feasible)

    def __call__(self, trial: Any) -> dict[str, str]:
        # Ray notes all that is suggested through its own object as further entries of the config, a column each
        trial = getattr(trial, "ot_trial", trial)

        def choose(name: str, values: Sequence[str]) -> str:
            every = self._genes[name]
            left = sorted(values, key=every.index)
            return str(trial.suggest_categorical(self._name(name, left), left))

        return {KEY: spell(self._space, self._choices.walk(choose))}

    def _name(self, gene: str, values: Sequence[str]) -> str:
        """The gene's name; with the values that are left, as the bits of a number, where these are not all."""
        every = self._genes[gene]
        if len(values) == len(every):
            return gene
        return f"{gene}|{sum(1 << every.index(value) for value in values):x}"
