"""An architecture as numbers to learn from: counts of its choices, by stage and over the whole network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space import Space
from seesaw_nas.space.additive import Scores
from seesaw_nas.space.definition import Slot
from seesaw_nas.space.genotype import traits

Array = npt.NDArray[np.float64]
OF_STAGE = 0.5  # prior variance of what a choice means in one stage, over what it means everywhere


class Features:
    """An architecture as counts of its choices, each over how often it could be made."""

    def __init__(self, space: Space, high: int) -> None:
        self.space, self.high = space, high
        names: dict[tuple[object, ...], None] = {}
        for width in range(space.widths):
            names["width", width] = None
            for slot in space.slots(width):
                for block in space.options(slot):
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
        width = self.space.width_of(architecture)
        assert width is not None, "an architecture of the space has one of its widths"
        row = np.zeros(len(self))
        row[self._at["width", width]] = 1
        row[self._at["constant",]] = 1
        row[self._at["macs",]] = self.space.fixed_macs(width) / self.high
        for i, stage in enumerate(architecture.stages):
            row[self._at["repeats", i, len(stage.blocks)]] = 1
        row *= self.scale
        slots = {(slot.stage, slot.index): slot for slot in self.space.slots(width)}
        for at in architecture.canonical.placed:
            slot = slots[at.stage, at.index]
            row += self.of_blocks(slot)[self.space.options(slot).index(at.block)]
        return row

    def scores(self, weights: Array) -> Scores:
        """The choices' scores under these weights."""
        scaled = weights * self.scale
        fixed = np.array([self.space.fixed_macs(width) for width in range(self.space.widths)]) / self.high
        width = [scaled[self._at["width", width]] for width in range(self.space.widths)]
        repeats = tuple(
            np.array([scaled[self._at["repeats", i, n]] for n in stage.repeats])
            for i, stage in enumerate(self.space.stages)
        )
        macs = scaled[self._at["macs",]]
        return Scores(np.array(width) + macs * fixed, repeats, lambda slot: self.of_blocks(slot) @ weights)
