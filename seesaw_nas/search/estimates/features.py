"""An architecture as numbers to learn from: counts of its choices, by stage and over the whole network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space import Space
from seesaw_nas.space.additive import Scores
from seesaw_nas.space.genotype import traits
from seesaw_nas.space.stages import Slot

Array = npt.NDArray[np.float64]
OF_STAGE = 0.5  # prior variance of what a choice means in one stage, over what it means everywhere


class Features:
    """An architecture as counts of its choices, each over how often it could be made."""

    def __init__(self, space: Space, high: int) -> None:
        self.space, self.high = space, high
        names: dict[tuple[object, ...], None] = {}
        for width in range(space.widths):
            names["width", width] = None
            for outline in (number for number, one in enumerate(space.outlines) if one.width == width):
                for slot in space.slots(outline):
                    for trait in (trait for block in space.options(slot) for trait in traits(block).items()):
                        names["all", *trait] = None
                        names["stage", slot.stage, *trait] = None
        for i, stage in enumerate(space.stages):
            for n in stage.repeats:
                names["repeats", i, n] = None
        for head in space.heads if len(space.heads) > 1 else ():
            names["head", head] = None
        names["macs",] = None
        names["constant",] = None
        self._at = {name: i for i, name in enumerate(names)}
        self.scale = np.array([self._prior(name) for name in names])
        self._blocks: dict[Slot, Array] = {}

    def __len__(self) -> int:
        return len(self._at)

    @property
    def names(self) -> list[tuple[object, ...]]:
        """What each feature counts: ``("all", trait, level)``, ``("stage", stage, trait, level)`` and the like."""
        return list(self._at)

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
            offered = self.space.options(slot)
            rows = np.zeros((len(offered), len(self)))
            for row, block in zip(rows, offered, strict=True):
                for trait in traits(block).items():
                    row[self._at["all", *trait]] += 1
                    row[self._at["stage", slot.stage, *trait]] += 1
                row[self._at["macs",]] = slot.macs(block) / self.high
            self._blocks[slot] = rows * self.scale
        return self._blocks[slot]

    def of(self, architecture: Architecture) -> Array:
        """The features of a whole architecture: (features,)."""
        outline, blocks, repeats = self.space.take_apart(architecture)
        row = np.zeros(len(self))
        for name in self._of_outline(outline):
            row[self._at[name]] = 1
        row[self._at["constant",]] = 1
        row[self._at["macs",]] = self.space.fixed_macs(outline) / self.high
        for i, n in enumerate(repeats):
            row[self._at["repeats", i, n]] = 1
        row *= self.scale
        for slot, block in blocks.items():
            row += self.of_blocks(slot)[self.space.number(slot, block)]
        return row

    def _of_outline(self, outline: int) -> list[tuple[object, ...]]:
        """What an outline is counted by, besides which stages are there."""
        one = self.space.outlines[outline]
        head: tuple[object, ...] = ("head", one.head)
        return [("width", one.width), *([head] if head in self._at else [])]

    def scores(self, weights: Array) -> Scores:
        """The choices' scores under these weights."""
        scaled = weights * self.scale
        numbers = range(len(self.space.outlines))
        fixed = np.array([self.space.fixed_macs(outline) for outline in numbers]) / self.high
        outlines = [sum(scaled[self._at[name]] for name in self._of_outline(outline)) for outline in numbers]
        repeats = tuple(
            np.array([scaled[self._at["repeats", i, n]] for n in stage.repeats])
            for i, stage in enumerate(self.space.stages)
        )
        macs = scaled[self._at["macs",]]
        return Scores(np.array(outlines) + macs * fixed, repeats, lambda slot: self.of_blocks(slot) @ weights)
