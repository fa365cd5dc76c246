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
from seesaw_nas.search.engines.ray_tune.spelling import KEY, spell
from seesaw_nas.space import Feasible, Slot, Space, genes
from seesaw_nas.space.genotype import traits

Choose = Callable[[str, Sequence[str]], str]
"""Chooses one of several values, in the order of the space; the first argument is the gene's name."""


Option = tuple[dict[str, str], Block, int]
"""A block of a slot: its genes by kind, itself, its cost in units."""


class _Costs:
    """Sets of costs that parts of a network can have, at one width of the space; a set is the bits of an integer.

    Attributes:
        options: by stage and index, the blocks of a slot, each with its genes and its cost in units.
    """

    def __init__(self, feasible: Feasible, width: int) -> None:
        space = feasible.space
        self._space, self._fixed = space, space.fixed_macs(width)
        slots: list[list[Slot]] = [[] for _ in space.stages]
        for slot in space.slots(width):
            slots[slot.stage].append(slot)
        costs = [[[slot.macs(block) for block in space.options(slot)] for slot in row] for row in slots]
        self._unit = math.gcd(*(macs for row in costs for menu in row for macs in menu)) or 1
        self.options = [[self._priced(slot) for slot in row] for row in slots]
        self._low = max(0, -((self._fixed - feasible.budget.low) // self._unit))
        self._high = (feasible.budget.high - self._fixed) // self._unit
        self._all = (1 << max(0, self._high + 1)) - 1
        self._rest = self._compute_rest()

    def _priced(self, slot: Slot) -> list[Option]:
        return [(traits(block), block, slot.macs(block) // self._unit) for block in self._space.options(slot)]

    def _compute_rest(self) -> list[dict[int, list[int]]]:
        """For each stage and each number of its blocks, the costs from the slot j of that stage on, j from 0."""
        after, rest = 1, []
        for menus, stage in zip(reversed(self.options), reversed(self._space.stages), strict=True):
            of_stage: dict[int, list[int]] = {}
            for n in stage.repeats:
                costs = [after]
                for menu in reversed(menus[:n]):
                    costs.append(self._add(costs[-1], {cost for _, _, cost in menu}))
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
        """Whether an architecture fits that has spent so much before the slot ``index`` of a stage of ``repeats``."""
        low, high = max(0, self._low - spent), self._high - spent
        return high >= 0 and (self._rest[stage][repeats][index] >> low) & ((1 << (high - low + 1)) - 1) != 0


class Choices:
    """The architectures of a budget as sequences of choices; made once and walked many times."""

    def __init__(self, feasible: Feasible) -> None:
        self._space = feasible.space
        self._costs = [_Costs(feasible, width) for width in range(self._space.widths)]

    def walk(self, choose: Choose) -> Architecture:
        """The architecture that these choices lead to; where one value alone is possible, nothing is asked."""
        space = self._space
        names = [space.width_name(width) for width in range(space.widths)]
        open_widths = [names[width] for width in range(space.widths) if self._repeats(width, 0, 0)]
        width = names.index(_ask(choose, "width", open_widths))
        spent, blocks = 0, []
        for i in range(len(space.stages)):
            n = int(_ask(choose, f"stage{i + 1}.repeats", list(map(str, self._repeats(width, i, spent)))))
            row: list[Block] = []
            for j in range(n):
                block, cost = self._choose_block(choose, width, (i, n, j), spent)
                row.append(block)
                spent += cost
            blocks.append(row)
        return space.build(width, blocks)

    def _repeats(self, width: int, stage: int, spent: int) -> list[int]:
        costs = self._costs[width]
        return [n for n in self._space.stages[stage].repeats if costs.leads_into_budget(spent, stage, n, 0)]

    def _choose_block(self, choose: Choose, width: int, place: tuple[int, int, int], spent: int) -> tuple[Block, int]:
        """The block of the slot j of a stage i of n, and its cost; ``place`` is (i, n, j)."""
        i, n, j = place
        costs = self._costs[width]
        options = costs.options[i][j]
        fitting = {c for c in {c for _, _, c in options} if costs.leads_into_budget(spent + c, i, n, j + 1)}
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
