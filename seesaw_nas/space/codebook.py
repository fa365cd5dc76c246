"""Batches of millions of architectures, as rows of small integers, with their exact Multi-Adds and Params."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import costs
from seesaw_nas.space.definition import Space
from seesaw_nas.space.prices import Array, Prices

ROWS_AT_ONCE = 2048  # so many rows of seesaw-cifar, 33 columns wide, fit the processor's second cache


class Codebook:
    """The architectures of a space as rows of integers, and the cost of each row of a batch.

    The first number of a row is the width; where the head may be chosen, the second is its index. One number for every
    slot follows, stage by stage: 0 for no block, k for the k-th block that :meth:`Space.options` lists for the slot.
    The blocks of a stage are in its first slots; an absent stage has none. So each architecture has exactly one row,
    whatever its spelling. A row that describes no architecture is refused.

    Attributes:
        names: names of the columns: ``width``, ``head`` if it may be chosen, ``stage1.block1``, ...
        bases: how many values each column may have, whatever the others have.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._places = tuple(space.places(outline) for outline in range(len(space.outlines)))
        places = [(i, j) for i, stage in enumerate(space.stages) for j in range(stage.max_repeats)]
        heads = ("head",) if len(space.heads) > 1 else ()
        self._frame = 1 + len(heads)  # columns before those of the slots
        self.names = ("width", *heads, *(f"stage{i + 1}.block{j + 1}" for i, j in places))
        self._first = np.array([j == 0 for _, j in places])
        self._needed = np.array([j not in space.stages[i].repeats for i, j in places])
        self._optional = [n for n, (i, j) in enumerate(places) if j == 0 and space.stages[i].is_optional]
        n_options = [[len(space.options(slot)) if slot else 0 for slot in slots] for slots in self._places]
        most = np.max(n_options, axis=0).tolist()
        self._dtype = np.min_scalar_type(max(space.widths - 1, len(space.heads) - 1, *most))
        self._n_options = np.array(n_options, self._dtype)
        self.bases = (space.widths, *(len(space.heads) for _ in heads), *(1 + n for n in most))

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
        outline, blocks, _ = self.space.take_apart(architecture)
        one = self.space.outlines[outline]
        head = [self.space.heads.index(one.head)] if self._frame > 1 else []
        codes = [self.space.number(slot, blocks[slot]) + 1 if slot in blocks else 0 for slot in self._places[outline]]
        return [one.width, *head, *codes]

    def decode(self, row: npt.ArrayLike) -> Architecture:
        """The architecture of one row, in its canonical spelling.

        Raises:
            SpecError: the row describes no architecture; the message names the column.
        """
        rows = self._integers(np.asarray(row)[None])
        self._check(rows, 0)
        outline = int(self._outlines(rows)[0])
        blocks: dict[int, list[Block]] = {i: [] for i in self.space.outlines[outline].present}
        for slot, code in zip(self._places[outline], rows[0, self._frame :].tolist(), strict=True):
            if slot and code:
                blocks[slot.stage].append(self.space.options(slot)[code - 1])
        return self.space.build(outline, list(blocks.values()))

    def _outlines(self, rows: Array) -> Array:
        """The index of each row's outline: (N,); of a row with a width or head that there is not, any."""
        number = rows[:, 0].astype(np.intp)
        if self._frame > 1:
            number = number * len(self.space.heads) + rows[:, 1]
        for column in self._optional:
            number = 2 * number + (rows[:, self._frame + column] == 0)  # the order in which outlines are listed
        return number.clip(0, len(self.space.outlines) - 1)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """The rows of ``n`` architectures whose choices, from width to blocks, are drawn evenly and independently.

        This is not uniform over architectures: a stage of one or two blocks gets one block half of the time, although
        far more architectures have two. :meth:`Feasible.draw` is uniform.
        """
        ways = np.array([outline.ways for outline in self.space.outlines])
        even = len(set(ways.tolist())) == 1
        outlines = rng.integers(len(ways), size=n) if even else rng.choice(len(ways), n, p=ways / ways.sum())
        rows = np.empty((n, len(self.names)), self._dtype)
        for outline in range(len(ways)):
            chosen = np.flatnonzero(outlines == outline)
            rows[chosen] = self._draw_outline(outline, len(chosen), rng)
        return rows

    def _draw_outline(self, outline: int, n: int, rng: np.random.Generator) -> Array:
        one, stages = self.space.outlines[outline], self.space.stages
        rows = np.zeros((n, len(self.names)), self._dtype)
        rows[:, 0] = one.width
        if self._frame > 1:
            rows[:, 1] = self.space.heads.index(one.head)
        repeats = {i: rng.choice(stages[i].repeats_if_present, n) for i in one.present}
        for column, slot in enumerate(self._places[outline]):
            if slot:
                code = rng.integers(1, self._n_options[outline, column], n, self._dtype, endpoint=True)
                rows[:, self._frame + column] = code * (slot.index < repeats[slot.stage])
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
        return Prices.of(self.space, costs.MACS)

    @cached_property
    def _params(self) -> Prices:
        return Prices.of(self.space, costs.named("params"))

    def _add_up(self, rows: Array, prices: Prices) -> Array:
        totals = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[start : start + ROWS_AT_ONCE]
            self._check(some, start)
            totals[start : start + len(some)] = prices.add_up(self._outlines(some), some[:, self._frame :])
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
        codes = rows[:, self._frame :]
        invalid = np.empty(rows.shape, bool)
        for column, values in enumerate(self.bases[: self._frame]):
            invalid[:, column] = (rows[:, column] < 0) | (rows[:, column] >= values)
        most = self._n_options.take(self._outlines(rows), axis=0)  # a wrong width is marked already
        filled = codes != 0
        before = np.empty_like(filled)  # whether the slot before is filled; true for the first slot of a stage
        before[:, 1:] = filled[:, :-1]
        before |= self._first
        gap, end_too_early = filled > before, (filled < before) & self._needed
        invalid[:, self._frame :] = (codes < 0) | (codes > most) | gap | end_too_early
        return invalid

    def _explain_invalid(self, row: list[int], column: int) -> str:
        if column < self._frame:
            return f"a {self.names[column]} from 0 to {self.bases[column] - 1} is wanted, got {row[column]}"
        place = column - self._frame
        slots = [(stage, j) for stage in self.space.stages for j in range(stage.max_repeats)]
        stage, index = slots[place]
        most = self._n_options[self._outlines(np.array([row]))[0], place]
        if most and not 0 <= row[column] <= most:
            return f"1 to {most}, or 0 for no block, is wanted, got {row[column]}"
        begin = column - index
        return (
            f"a stage fills its first places and no others, this one {' or '.join(map(str, stage.repeats))} of them, "
            f"got {row[begin : begin + stage.max_repeats]}"
        )
