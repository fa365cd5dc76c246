"""Bands of similar Multi-Adds, within which an evaluator cannot rank well just by the size of architectures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import OptionError

Indices = npt.NDArray[np.int64]

LEAST_IN_BAND = 5  # architectures; fewer have hardly any pairs to compare


@dataclass(frozen=True, slots=True)
class Band:
    """Architectures of similar cost.

    Attributes:
        low, high: Multi-Adds of the cheapest and of the costliest.
        members: indices of the architectures, in ascending order.
    """

    low: int
    high: int
    members: tuple[int, ...]

    @property
    def indices(self) -> Indices:
        """The members as an index array, shape (n,)."""
        return np.array(self.members, dtype=np.int64)


def cut(macs: Sequence[int], band: float) -> tuple[tuple[Band, ...], int]:
    """Divide architectures into bands whose costliest is at most ``1 + band`` times the cheapest, from the cheapest on.

    Returns:
        The bands of ``LEAST_IN_BAND`` architectures or more, and the number of architectures in the other bands.

    Raises:
        OptionError: ``band`` is negative or not finite.
    """
    if not 0 <= band < float("inf"):
        raise OptionError(f"--band must be 0% or more, got {band:.0%}; write it like 6%")
    groups: list[list[int]] = []
    for i in sorted(range(len(macs)), key=macs.__getitem__):
        if not groups or macs[i] > (1 + band) * macs[groups[-1][0]]:
            groups.append([])
        groups[-1].append(i)
    bands = tuple(
        Band(macs[members[0]], macs[members[-1]], tuple(sorted(members)))
        for members in groups
        if len(members) >= LEAST_IN_BAND
    )
    return bands, len(macs) - sum(len(band.members) for band in bands)


def parse_band(text: str) -> float:
    """The fraction in a text such as ``6%``.

    Raises:
        OptionError: the text is not such a share.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    if match is None:
        raise OptionError(f"cannot read --band '{text}' as a share of Multi-Adds; write it like 6%")
    return float(match[1]) / 100
