"""How much of several signals additive choices explain and how much is noise, with all correlations: REML by EM.

Rows of signals are ``Y = mean + X B + E``: what choices explain has covariance ``explained`` between the signals, the
rest, correlated within a training, has ``noise``. Both begin from a prior worth :data:`PRIOR` rows, so that few trials
shrink to it. Multi-trait models of this form are known from animal breeding (Henderson and Quaas 1976, J. Anim. Sci.
43:1188), where a worth that shows in several measurements is sought as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seesaw_nas.search.estimates.features import Array

PRIOR = 6.0  # rows that the prior counts for
EXPLAINED = 0.5  # of each signal's variance, before there are trials
ALIKE, NOISE_ALIKE = 0.95, 0.7  # correlation between signals of what is explained and of the noise; recorded: 0.99, 0.7
STEPS = 30
NIL = 1e-9


@dataclass(frozen=True)
class Kernel:
    """How alike architectures are in their choices, rotated so that rows are independent.

    Attributes:
        directions: (rows, rank), orthonormal and without a component in the mean.
        sizes: variance of each, (rank,); their sum over the rows is 1 on average.
        centre: of the features, (features,).
        scale: variance of a row by its features, on average.
    """

    directions: Array
    sizes: Array
    centre: Array
    scale: float

    @classmethod
    def of(cls, features: Array, weights: Array | None = None) -> Kernel:
        """From features of trials, (rows, features); rows may be weighted by the inverse of their variance, (rows,)."""
        root = np.sqrt(np.ones(len(features)) if weights is None else weights)
        centre = (root**2 @ features) / (root**2).sum()
        within = (features - centre) * root[:, None]
        scale = float(np.square(features - centre).sum() / len(features))
        if scale <= NIL:
            return cls(np.zeros((len(features), 0)), np.zeros(0), centre, 1.0)
        squares, axes = np.linalg.eigh(within.T @ within)
        kept = squares > NIL * max(squares[-1], NIL)
        directions = within @ axes[:, kept] / np.sqrt(squares[kept])
        return cls(directions, squares[kept] / scale, centre, scale)


@dataclass(frozen=True)
class Components:
    """Covariances between signals, (signals, signals), and their means, (signals,), in the signals' own units."""

    mean: Array
    explained: Array
    noise: Array


def split(
    kernel: Kernel, signals: Array, alike: float = ALIKE, wider: float = 1.0, given: Components | None = None
) -> Components:
    """Explained and unexplained covariance of signals, (rows, signals), all finite.

    Args:
        alike: correlation of what is explained, before the rows.
        wider: by how much the signals of all trials spread more than those of the rows, which were selected.
        given: what is known of them before, in place of ``alike`` and ``wider``.
    """
    count = signals.shape[1]
    mean = signals.mean(axis=0)
    spread = wider * signals.std(axis=0)
    if given is not None:
        spread = np.sqrt(np.diag(given.explained + given.noise))
    spread = np.where(spread > NIL, spread, 1.0)
    standard = (signals - mean) / spread
    begin = EXPLAINED * _equal(count, alike), (1 - EXPLAINED) * _equal(count, NOISE_ALIKE)
    if given is not None:
        begin = given.explained / np.outer(spread, spread), given.noise / np.outer(spread, spread)
    explained, noise = _iterate(kernel, standard, *begin)
    units = np.outer(spread, spread)
    return Components(mean, explained * units, noise * units)


def prior(mean: Array, spread: Array, alike: float = ALIKE) -> Components:
    """What is believed of signals of these standard deviations, (signals,), before trials."""
    units, count = np.outer(spread, spread), len(spread)
    noise = (1 - EXPLAINED) * _equal(count, NOISE_ALIKE) * units
    return Components(mean, EXPLAINED * _equal(count, alike) * units, noise)


def _equal(count: int, correlation: float) -> Array:
    return (1 - correlation) * np.eye(count) + correlation


def _iterate(kernel: Kernel, standard: Array, explained: Array, noise: Array) -> tuple[Array, Array]:
    """Expectation and maximisation in turn."""
    first, second = explained, noise
    rotated = kernel.directions.T @ standard  # (rank, signals)
    left = standard.T @ standard - rotated.T @ rotated  # outside all directions there is noise alone
    sizes = kernel.sizes[:, None, None]
    for _ in range(STEPS):
        gain = sizes * explained @ np.linalg.inv(sizes * explained + noise)  # (rank, signals, signals)
        expected = np.einsum("rij,rj->ri", gain, rotated)
        posterior = sizes * explained - gain @ explained * sizes
        rest = rotated - expected
        moments = (np.einsum("ri,rj->rij", expected, expected) + posterior) / sizes
        explained = (PRIOR * first + moments.sum(axis=0)) / (PRIOR + len(rotated))
        noise = PRIOR * second + rest.T @ rest + posterior.sum(axis=0) + left
        noise = noise / (PRIOR + max(len(standard) - 1, 0))
    return explained, noise


@dataclass(frozen=True)
class Shares:
    """How much of one figure additive choices explain.

    Attributes:
        explained: variance by choices of an average row.
        noise: variance of a row of weight one that they leave.
        share: explained of both, averaged over what the rows leave possible.
        evidence: logarithm of how many times better choices explain the rows than chance does.
    """

    explained: float
    noise: float
    share: float
    evidence: float


GRID = np.linspace(0.0, 0.98, 50)
OBSERVED = 3.0  # rows that the prior of the whole variance counts for


def shares(kernel: Kernel, values: Array, weights: Array, total: float) -> Shares:
    """Variances of one figure, (rows,), whose noise is as the inverse of ``weights``, averaged over :data:`GRID`.

    Args:
        total: the whole variance before the rows, for few of them.
    """
    root = np.sqrt(weights)
    centred = root * (values - weights @ values / weights.sum())
    rotated = kernel.directions.T @ centred
    left = max(float(centred @ centred - rotated @ rotated), 0.0)
    free = max(len(values) - 1, 0)
    mixed = GRID[:, None] * kernel.sizes + (1 - GRID[:, None])  # (grid, rank)
    squares = (rotated**2 / mixed).sum(axis=1) + left / (1 - GRID) + OBSERVED * total
    logs = np.log(mixed).sum(axis=1) + max(free - len(rotated), 0) * np.log(1 - GRID)
    chances = -0.5 * logs - 0.5 * (free + OBSERVED) * np.log(squares)
    before = GRID * (1 - GRID)
    weighted = np.exp(chances - chances.max()) * before
    weighted /= weighted.sum()
    evidence = float(
        np.log((np.exp(chances - chances.max()) * before).sum() / before.sum()) + chances.max() - chances[0]
    )
    each = squares / (free + OBSERVED)
    explained, noise = float(weighted @ (each * GRID)), float(weighted @ (each * (1 - GRID)))
    tells = len(kernel.sizes) and np.ptp(values) > NIL  # equal figures are no evidence of anything
    return Shares(explained, noise, float(weighted @ GRID), evidence if tells else 0.0)
