"""Points and directions as a caller writes them, checked and turned into losses: float64, less is better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import OptionError, known

Floats = npt.NDArray[np.float64]
Rows = npt.ArrayLike | Sequence[npt.ArrayLike]

TOP1_MACS = ("max", "min")
SIGNS = {"max": -1.0, "min": 1.0}


def signs(directions: Sequence[str]) -> Floats:
    """What to multiply each column by so that less is better: -1 for 'max', 1 for 'min'; shape (k,)."""
    if isinstance(directions, str):
        raise OptionError(f"directions are a sequence such as ('max', 'min'), got the text '{directions}'")
    for direction in directions:
        if direction not in tuple(SIGNS):
            raise OptionError(known("direction", str(direction), SIGNS))
    return np.array([SIGNS[direction] for direction in directions])


def table(points: Rows, what: str = "points") -> Floats:
    """Rows as float64, shape (n, k) with k of 1 or more; an empty sequence is (0, 1), and None is NaN.

    Raises:
        OptionError: they are not rows of numbers, all of the same length.
    """
    try:
        given = np.asarray(points)
        if given.dtype.kind not in "biufO" or any(isinstance(value, str) for value in _objects(given)):
            raise TypeError("not all are real numbers")
        rows = given.astype(np.float64)
    except (TypeError, ValueError) as problem:
        raise OptionError(f"cannot read {what} as rows of numbers (a missing one is NaN): {problem}") from None
    if rows.shape == (0,):
        return rows.reshape(0, 1)
    if rows.ndim != 2 or not rows.shape[1]:
        raise OptionError(f"{what}: wanted rows of shape (n, k), a column for each objective, got shape {rows.shape}")
    return rows


def _objects(given: npt.NDArray[np.generic]) -> Sequence[object]:
    return given.ravel().tolist() if given.dtype.kind == "O" else ()


def losses(points: Rows, directions: Sequence[str], what: str = "points") -> Floats:
    """Points with every 'max' column negated; shape (n, k).

    Raises:
        OptionError: these are no points, or there is not one direction for each column.
    """
    rows, factors = table(points, what), signs(directions)
    if not len(rows) and rows.shape[1] == 1:
        rows = rows.reshape(0, len(factors))
    if rows.shape[1] != len(factors):
        raise OptionError(
            f"{what}: {rows.shape[1]} columns and {len(factors)} directions; give 'max' or 'min' for each column"
        )
    return rows * factors + 0.0  # 0.0 turns -0.0 into 0.0, so that equal numbers are the same everywhere


def complete(rows: Floats) -> npt.NDArray[np.bool_]:
    """Which rows have no NaN, shape (n,)."""
    return np.asarray(~np.isnan(rows).any(axis=1))


def distinct(rows: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """The different rows in lexicographic order, shape (m, k), and which of them each row is, shape (n,)."""
    different, which = np.unique(rows, axis=0, return_inverse=True)
    return different, which.reshape(-1)  # numpy 2.0.0 alone gives it a second axis
