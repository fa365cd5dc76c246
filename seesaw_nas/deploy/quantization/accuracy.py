"""Compares the top-1 of two networks on the same images, with an interval of the difference."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import torch

from seesaw_nas.data import Split
from seesaw_nas.data.preprocessing import Floats, Preprocessing
from seesaw_nas.deploy.runtimes.base import Logits
from seesaw_nas.network import folded
from seesaw_nas.network.models import Network

CONFIDENCE = 0.95
METHOD = "adjusted Wald interval of paired proportions, Bonett and Price 2012"
BATCH = 64  # images of a call


@dataclass(frozen=True, slots=True)
class AccuracyChange:
    """Top-1 of a network before and after it was changed, on the same labelled images.

    Attributes:
        n: number of images.
        right_before, right_after: how many are classified correctly.
        gained, lost: how many became right, and how many became wrong.
        same: how many are given the same class, right or wrong.
    """

    n: int
    right_before: int
    right_after: int
    gained: int
    lost: int
    same: int

    @property
    def change(self) -> float:
        """Top-1 after, less top-1 before; a fraction."""
        return (self.right_after - self.right_before) / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the change over images like these; images count in pairs, because both see the same.

        Source: Bonett and Price 2012, Journal of Educational and Behavioral Statistics 37(4), 479-488: the
        usual interval, with one image added to those gained and one to those lost.
        """
        gained, lost = (self.gained + 1) / (self.n + 2), (self.lost + 1) / (self.n + 2)
        deviation = math.sqrt((gained + lost - (gained - lost) ** 2) / (self.n + 2))
        reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation
        return max(-1.0, gained - lost - reach), min(1.0, gained - lost + reach)

    @property
    def sentence(self) -> str:
        """The result in one sentence for people."""
        low, high = self.interval
        return (
            f"Top-1 {self.right_before / self.n:.2%} before and {self.right_after / self.n:.2%} after on {self.n:,} "
            f"validation images: {100 * self.change:+.2f} points (95% interval {100 * low:+.2f} to {100 * high:+.2f}); "
            f"the same class on {self.same:,}."
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        low, high = self.interval
        return asdict(self) | {
            "top1_before": self.right_before / self.n,
            "top1_after": self.right_after / self.n,
            "change": self.change,
            "interval": [low, high],
            "confidence": CONFIDENCE,
            "method": METHOD,
        }


def compare(before: Logits, after: Logits, images: Split, preprocessing: Preprocessing) -> AccuracyChange:
    """The change of top-1 from one network to another, on all images of a split."""
    counts = np.zeros(6, np.int64)
    for pixels, labels in images.batches_in_order(BATCH):
        prepared, wanted = preprocessing.apply(pixels.numpy()), labels.numpy()
        old, new = before(prepared).argmax(1), after(prepared).argmax(1)
        was, now = old == wanted, new == wanted
        counts += [part.sum() for part in (was | True, was, now, now & ~was, was & ~now, old == new)]
    return AccuracyChange(*counts.tolist())


def before(network: Network) -> Logits:
    """The trained network as ``evaluate`` measures it: folded, in float32, on the CPU."""
    model = folded.fuse(network)

    @torch.inference_mode()
    def logits(images: Floats) -> Floats:
        found: Floats = model(torch.from_numpy(images)).numpy()
        return found

    return logits
