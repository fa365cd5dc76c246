"""Bands of about equal Multi-Adds: within one, no evaluator gains by telling large from small."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import OptionError

Indices = npt.NDArray[np.int64]

LEAST_IN_BAND = 5  # architectures; fewer have hardly a pair to tell an order by


@dataclass(frozen=True, slots=True)
class Band:
    """Architectures of about the same cost.

    Attributes:
        low, high: Multi-Adds of the cheapest and of the costliest.
        members: which they are, in ascending order.
    """

    low: int
    high: int
    members: tuple[int, ...]

    @property
    def indices(self) -> Indices:
        """The members, to index by; shape (n,)."""
        return np.array(self.members, dtype=np.int64)


def cut(macs: Sequence[int], band: float) -> tuple[tuple[Band, ...], int]:
    """Bands from the cheapest on, each as long as its costliest is at most ``1 + band`` times its cheapest.

    Returns:
        The bands of ``LEAST_IN_BAND`` architectures or more, and how many architectures the others held.

    Raises:
        OptionError: ``band`` is not a number from 0.
    """
    if not 0 <= band < float("inf"):
        raise OptionError(f"--band must be 0% or more, got {band:.0%}; write it like 6%")
    groups: list[list[int]] = []
    for i in sorted(range(len(macs)), key=macs.__getitem__):
        if not groups or macs[i] > (1 + band) * macs[groups[-1][0]]:
            groups.append([])
        groups[-1].append(i)
    kept = tuple(
        Band(macs[members[0]], macs[members[-1]], tuple(sorted(members)))
        for members in groups
        if len(members) >= LEAST_IN_BAND
    )
    return kept, len(macs) - sum(len(band.members) for band in kept)


def parse_band(text: str) -> float:
    """The fraction in a text such as ``6%``.

    Raises:
        OptionError: it is no such share.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    if match is None:
        raise OptionError(f"cannot read --band '{text}' as a share of Multi-Adds; write it like 6%")
    return float(match[1]) / 100
