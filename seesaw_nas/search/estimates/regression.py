"""Worth as a sum over choices plus what an architecture has of its own: Bayesian, kept as sums, one update a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from seesaw_nas.search.estimates.features import Array

BENT, BEND = -0.03, 0.05  # of the bend before there are trials, mean (of the recorded digits) and standard deviation
MOST_BEND, MOST_FAR = 0.12, 3.0  # so that more is never worse
SLOPE = 0.1  # standard deviation of what top-1 follows the choices more, or less, than the losses do
WIDE = 100.0  # prior variance of the mean of all, over the variance of one architecture
MOST_PULL = 0.9  # of an architecture's own trials on what is said of it


@dataclass
class Seen:
    """Observations of one architecture, averaged by their precision."""

    row: Array
    precision: float = 0.0
    total: float = 0.0  # of observations times their precision

    @property
    def mean(self) -> float:
        return self.total / self.precision


@dataclass
class Regression:
    """What observations of worth leave possible.

    Attributes:
        centre: taken off the features, (features,).
        explained: prior variance of a weight.
        own: variance of what an architecture has beside its choices.
        scale: variance of the features of an average architecture, so that ``explained * scale`` is that of its worth.
        bend: by how many deviations an architecture whose choices are one deviation better, or worse, than the mean
            differs from what they add up to; two deviations count four times as much.
    """

    centre: Array
    explained: float
    own: float
    scale: float
    bend: float = 0.0
    seen: dict[str, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.centre) + 1
        before = np.full(size, 1 / self.explained)
        before[-1] = 1 / (WIDE * (self.explained * self.scale + self.own))
        self._precision, self._with_worth = np.diag(before), np.zeros(size)
        self._solved: tuple[Array, Array] | None = None

    def add_all(self, digests: Sequence[str], rows: Array, worths: Array, variances: Array) -> None:
        """Observations at once: features (n, features), worths and variances (n,)."""
        design = np.hstack([rows - self.centre, np.ones((len(rows), 1))])
        for digest, row, worth, variance in zip(digests, design, worths, variances, strict=True):
            one = self.seen.setdefault(digest, Seen(row))
            one.precision += 1 / variance
            one.total += worth / variance
        seen = list(self.seen.values())
        design = np.array([one.row for one in seen])
        weights = np.array([self._weight(one) for one in seen])
        self._precision += design.T @ (weights[:, None] * design)
        self._with_worth += design.T @ (weights * np.array([one.mean for one in seen]))
        self._solved = None

    def add(self, digest: str, row: Array, worth: float, variance: float) -> None:
        """One observation more."""
        one = self.seen.get(digest)
        if one is None:
            one = self.seen[digest] = Seen(self._centred(row))
        else:
            self._take(one, -self._weight(one))
        one.precision += 1 / variance
        one.total += worth / variance
        self._take(one, self._weight(one))
        self._solved = None

    def _take(self, one: Seen, weight: float) -> None:
        self._precision += weight * np.outer(one.row, one.row)
        self._with_worth += weight * one.mean * one.row

    def _weight(self, one: Seen) -> float:
        return 1 / (self.own + 1 / one.precision)

    def _centred(self, row: Array) -> Array:
        return np.append(row - self.centre, 1.0)

    @property
    def solved(self) -> tuple[Array, Array]:
        """Mean of the weights, the last of them that of all, and the inverse of the root of their precision."""
        if self._solved is None:
            inverse: Array = np.asarray(np.linalg.inv(np.linalg.cholesky(self._precision)), np.float64)
            self._solved = inverse.T @ (inverse @ self._with_worth), inverse
        return self._solved

    @property
    def weights(self) -> Array:
        """Expected weights of the choices: (features,)."""
        return self.solved[0][:-1]

    def draw(self, rng: np.random.Generator) -> Array:
        """Weights of the choices, drawn from what is possible: (features,)."""
        mean, inverse = self.solved
        return np.asarray((mean + inverse.T @ rng.standard_normal(len(mean)))[:-1], np.float64)

    def bent(self, by_choices: Array, middle: float) -> tuple[Array, Array]:
        """Sums over choices as they show in worth, and the slope there."""
        spread = np.sqrt(self.explained * self.scale)
        far = (by_choices - middle) / spread
        inside = np.clip(far, -MOST_FAR, MOST_FAR)
        slope = 1 + 2 * self.bend * inside
        return middle + spread * (inside + self.bend * (inside**2 - 1) + slope * (far - inside)), slope

    def learn_bend(self, digests: Sequence[str], top1: Array, variance: float) -> None:
        """Find how much less, or more, good choices add to top-1 the more of them come together.

        Args:
            digests, top1: of trained architectures the log odds of top-1 alone, which the losses need not follow; (n,).
            variance: of these about the worth.
        """
        mean, inverse = self.solved
        seen = [self.seen[digest] for digest in digests]
        design = np.array([one.row for one in seen])
        pull = np.square(design @ inverse.T).sum(axis=1) * np.array([self._weight(one) for one in seen])
        pull = np.minimum(pull, MOST_PULL)
        by_choices = design @ mean
        by_others = (by_choices - pull * np.array([one.mean for one in seen])) / (1 - pull)
        spread = np.sqrt(self.explained * self.scale)
        far = np.clip((by_others - mean[-1]) / spread, -MOST_FAR, MOST_FAR)
        columns = spread * np.stack([np.ones(len(far)), far, far**2 - 1])  # level, slope, bend
        weights = (1 - pull) / variance
        precision = (columns * weights) @ columns.T + np.diag([1 / WIDE, SLOPE**-2, BEND**-2])
        before = np.array([0.0, 0.0, BENT / BEND**2])
        found = np.linalg.solve(precision, (columns * weights) @ (top1 - by_others) + before)
        self.bend = float(np.clip(found[2], -MOST_BEND, MOST_BEND))

    def of(self, digests: Sequence[str], rows: Array) -> tuple[Array, Array, Array]:
        """Worth of architectures by their features, (n, features).

        Returns:
            Mean (n,); loadings (n, k) whose products are the covariance by the shared weights; variance (n,) that each
            has of its own beside.
        """
        mean, inverse = self.solved
        design = np.hstack([rows - self.centre, np.ones((len(rows), 1))])
        by_choices, loadings = design @ mean, design @ inverse.T
        by_choices, slope = self.bent(by_choices, float(mean[-1]))
        loadings = loadings * slope[:, None]
        own = np.full(len(rows), self.own)
        gain = np.zeros(len(rows))
        observed = by_choices.copy()
        for i, digest in enumerate(digests):
            if (one := self.seen.get(digest)) is not None:
                gain[i] = self.own / (self.own + 1 / one.precision)
                observed[i] = one.mean
        return by_choices + gain * (observed - by_choices), (1 - gain)[:, None] * loadings, own * (1 - gain)
