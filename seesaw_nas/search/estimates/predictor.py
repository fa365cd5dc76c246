"""Top-1 predicted from what an architecture is made of, learnt from those that were trained.

An architecture is described by counts of its choices, by its static scores and, where there is one, by a cheap score of
the search. The regressor is a Gaussian process with fixed constants: of those that ``benchmarks/predictor.py`` compares
it orders unseen architectures best from 30 records on and as well as any with 16, and has nothing to fit that could go
astray.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators.proxies import static_scores
from seesaw_nas.search.estimates.features import Array, Features
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.space import Space

MOST = 400  # records, the youngest, so that the time for a proposal does not grow
FOLDS = 5
TINY = 1e-9  # in place of a score of nothing, which has no logarithm
JITTER = 1e-6  # of the variance, so that rows that are nearly alike have a root
NOISE = 0.5  # variance of what a training adds by chance, over that of what the architecture explains

Cheap = Callable[[Architecture], float]
MakeRegressor = Callable[[int], RegressorMixin]


def gaussian_process(columns: int) -> RegressorMixin:
    """The regressor; two architectures that differ like two drawn at random correlate by exp(-1/2).

    Args:
        columns: of the standardised descriptions, whose squared distance is twice their number on average.
    """
    kernel = RBF(float(np.sqrt(2 * columns)))
    process = GaussianProcessRegressor(kernel, alpha=NOISE, normalize_y=True, optimizer=None)
    return make_pipeline(StandardScaler(), process)


class Descriptions:
    """Architectures of a space as rows of numbers, each worked out once."""

    def __init__(self, space: Space, cheap: Cheap | None = None) -> None:
        self._features = Features(space, space.costliest_macs)
        self._cheap = cheap
        self._rows: dict[str, Array] = {}

    def of(self, architectures: Sequence[Architecture]) -> Array:
        """Counts of choices, logarithms of static scores, the cheap score: (architectures, columns).

        The cheap score is repeated, once for each count, for it is to weigh as much as all of these together: one
        column among a hundred would hardly tell two architectures apart.
        """
        return np.array([self._row(architecture) for architecture in architectures])

    def _row(self, architecture: Architecture) -> Array:
        if architecture.digest not in self._rows:
            static = np.log(np.maximum(np.abs(list(static_scores(architecture).values())), TINY))
            cheap = [self._cheap(architecture)] * len(self._features) if self._cheap else []
            self._rows[architecture.digest] = np.concatenate([self._features.of(architecture), static, cheap])
        return self._rows[architecture.digest]


class Fitted:
    """A regressor that has learnt from rows; columns that are the same in all of these say nothing and are left out."""

    def __init__(self, rows: Array, top1: Array, make: MakeRegressor = gaussian_process) -> None:
        self._kept = np.ptp(rows, axis=0) > 0
        if not self._kept.any():
            self._kept[0] = True
        self._regressor = make(int(self._kept.sum())).fit(rows[:, self._kept], top1)

    def predict(self, rows: Array) -> Array:
        """Expected top-1: (rows,)."""
        return np.asarray(self._regressor.predict(rows[:, self._kept]), np.float64)

    def drawn(self, rows: Array, rng: np.random.Generator) -> Array:
        """Top-1 drawn from what the records leave possible, together for all rows: (rows,). A process only."""
        mean, covariance = self._regressor.predict(rows[:, self._kept], return_cov=True)
        jitter = TINY + JITTER * covariance.diagonal().mean()
        lower = np.linalg.cholesky(covariance + jitter * np.eye(len(rows)))
        return np.asarray(mean + lower @ rng.standard_normal(len(rows)), np.float64)


def cross_validated(
    rows: Array, top1: Array, folds: int, rng: np.random.Generator, make: MakeRegressor = gaussian_process
) -> Array:
    """For each row a prediction by what the other folds, drawn evenly, have taught: (rows,)."""
    found, order = np.zeros(len(rows)), rng.permutation(len(rows))
    for held_out in np.array_split(order, folds):
        others = np.setdiff1d(order, held_out)
        found[held_out] = Fitted(rows[others], top1[others], make).predict(rows[held_out])
    return found


def out_of_sample(
    space: Space, trials: Sequence[CompleteTrial], *, folds: int = FOLDS, seed: int = 0, cheap: Cheap | None = None
) -> list[float]:
    """For each trial the top-1 that is predicted for it from trials of other folds.

    Args:
        trials: of architectures in the space.
        cheap: a further score to learn from, more is better.

    Raises:
        OptionError: fewer than two folds, or fewer than two trials a fold.
    """
    if not 2 <= folds <= len(trials) // 2:
        raise OptionError(
            f"cross-validation wants two folds or more and twice as many records, "
            f"got {folds} folds of {len(trials)} records; take fewer folds or train more"
        )
    rows = Descriptions(space, cheap).of([trial.architecture for trial in trials])
    top1 = np.array([trial.top1 for trial in trials], np.float64)
    return [float(value) for value in cross_validated(rows, top1, folds, np.random.default_rng(seed))]
