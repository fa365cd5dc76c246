"""Batches of millions of architectures, as rows of small integers, with their exact Multi-Adds and Params."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space.definition import Space
from seesaw_nas.space.prices import Array, Prices

ROWS_AT_ONCE = 2048  # so many rows of seesaw-cifar, 33 columns wide, fit the processor's second cache


class Codebook:
    """The architectures of a space as rows of integers, and the cost of each row of a batch.

    The first number of a row is the width. One number for every slot follows, stage by stage: 0 for no block, k for the
    k-th block that :meth:`Space.options` lists for the slot. The blocks of a stage are in its first slots. So each
    architecture has exactly one row, whatever its spelling. A row that describes no architecture is refused.

    Attributes:
        names: names of the columns: ``width``, ``stage1.block1``, ...
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._slots = tuple(tuple(space.slots(width)) for width in range(space.widths))
        places = self._slots[0]  # widths differ in channels and options only, not in the number of slots
        self.names = ("width", *(f"stage{slot.stage + 1}.block{slot.index + 1}" for slot in places))
        self._first = np.array([slot.index == 0 for slot in places])
        self._needed = np.array([slot.index not in space.stages[slot.stage].repeats for slot in places])
        n_options = [[len(space.options(slot)) for slot in slots] for slots in self._slots]
        self._dtype = np.min_scalar_type(max(space.widths - 1, *map(max, n_options)))
        self._n_options = np.array(n_options, self._dtype)

    def encode(self, architectures: Iterable[Architecture]) -> Array:
        """The rows of these architectures: (N, columns).

        Raises:
            SpecError: an architecture is not in the space.
        """
        rows = [self._row(number, architecture) for number, architecture in enumerate(architectures)]
        return np.array(rows, self._dtype).reshape(-1, len(self.names))

    def _row(self, number: int, architecture: Architecture) -> list[int]:
        if objection := self.space.objection(architecture):
            raise SpecError(f"it is not in space '{self.space.name}': {objection}", f"architectures[{number}]")
        width = self.space.width_of(architecture)
        assert width is not None, "an architecture of the space has one of its widths"
        blocks = {(placed.stage, placed.index): placed.block for placed in architecture.canonical.placed}
        chosen = [(slot, blocks.get((slot.stage, slot.index))) for slot in self._slots[width]]
        return [width, *(self.space.options(slot).index(block) + 1 if block else 0 for slot, block in chosen)]

    def decode(self, row: npt.ArrayLike) -> Architecture:
        """The architecture of one row, in its canonical spelling.

        Raises:
            SpecError: the row describes no architecture; the message names the column.
        """
        rows = self._integers(np.asarray(row)[None])
        self._check(rows, 0)
        width, *codes = rows[0].tolist()
        blocks: list[list[Block]] = [[] for _ in self.space.stages]
        for slot, code in zip(self._slots[width], codes, strict=True):
            if code:
                blocks[slot.stage].append(self.space.options(slot)[code - 1])
        return self.space.build(width, blocks)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """The rows of ``n`` architectures whose width, repeats and blocks are each drawn evenly and independently.

        This is not uniform over architectures: a stage of one or two blocks gets one block half of the time, although
        far more architectures have two. :meth:`Feasible.draw` is uniform.
        """
        widths = rng.integers(self.space.widths, size=n)
        rows = np.empty((n, len(self.names)), self._dtype)
        for width in range(self.space.widths):
            chosen = np.flatnonzero(widths == width)
            rows[chosen] = self._draw_width(width, len(chosen), rng)
        return rows

    def _draw_width(self, width: int, n: int, rng: np.random.Generator) -> Array:
        rows = np.full((n, len(self.names)), width, self._dtype)
        repeats = [rng.choice(stage.repeats, n) for stage in self.space.stages]
        for column, slot in enumerate(self._slots[width], start=1):
            code = rng.integers(1, self._n_options[width, column - 1], n, self._dtype, endpoint=True)
            rows[:, column] = code * (slot.index < repeats[slot.stage])
        return rows

    def macs(self, rows: npt.ArrayLike) -> Array:
        """Multi-Adds of each row, for one image: (N,), exact.

        Raises:
            SpecError: a row describes no architecture; the message names the row and the column.
            SpaceError: the cost of the space's costliest architecture exceeds 64-bit integers.
        """
        return self._add_up(self._integers(rows), self._macs)

    def params(self, rows: npt.ArrayLike) -> Array:
        """Trainable parameters of each row: (N,), exact; raises the same errors as :meth:`macs`."""
        return self._add_up(self._integers(rows), self._params)

    @cached_property
    def _macs(self) -> Prices:
        return Prices.macs(self.space)

    @cached_property
    def _params(self) -> Prices:
        return Prices.params(self.space)

    def _add_up(self, rows: Array, prices: Prices) -> Array:
        totals = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            self._check(some, start)
            totals[start : start + len(some)] = prices.add_up(some)
        return totals

    def _integers(self, rows: npt.ArrayLike) -> Array:
        array = np.asarray(rows)
        if array.dtype.kind not in "iu" or array.shape[1:] != (len(self.names),):
            raise SpecError(
                f"rows of {len(self.names)} integers, one for each of the codebook's names, are wanted, got "
                f"{array.dtype} of shape {array.shape}"
            )
        return array

    def _check(self, rows: Array, start: int) -> None:
        """Raise :class:`SpecError` unless each row describes an architecture; ``start`` is the first row's number."""
        if (invalid := self._find_invalid(rows)).any():
            row, column = np.argwhere(invalid)[0].tolist()
            raise SpecError(
                self._explain_invalid(rows[row].tolist(), column), f"rows[{start + row}].{self.names[column]}"
            )

    def _find_invalid(self, rows: Array) -> Array:
        """Which numbers in these rows are invalid: bool, of the same shape."""
        widths, codes = rows[:, 0], rows[:, 1:]
        invalid = np.empty(rows.shape, bool)
        invalid[:, 0] = (widths < 0) | (widths >= self.space.widths)
        most = self._n_options.take(widths.astype(np.intp), axis=0, mode="clip")  # a wrong width is marked already
        filled = codes != 0
        before = np.empty_like(filled)  # whether the slot before is filled; true for the first slot of a stage
        before[:, 1:] = filled[:, :-1]
        before |= self._first
        gap, end_too_early = filled > before, (filled < before) & self._needed
        invalid[:, 1:] = (codes < 0) | (codes > most) | gap | end_too_early
        return invalid

    def _explain_invalid(self, row: list[int], column: int) -> str:
        if column == 0:
            return f"a width from 0 to {self.space.widths - 1} is wanted, got {row[0]}"
        slot, most = self._slots[row[0]][column - 1], self._n_options[row[0], column - 1]
        if not 0 <= row[column] <= most:
            return f"1 to {most}, or 0 for no block, is wanted, got {row[column]}"
        stage = self.space.stages[slot.stage]
        begin = column - slot.index
        return (
            f"a stage fills its first places and no others, this one {' or '.join(map(str, stage.repeats))} of them, "
            f"got {row[begin : begin + stage.max_repeats]}"
        )
