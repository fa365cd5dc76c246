"""Which regressor predicts top-1 of unseen architectures, and how often the rule for its use is right, on a table.

    python benchmarks/predictor.py [--table FILE] [--draws 20]

So many architectures are drawn from a table of `seesaw-nas tabulate` as a search would have trained them, once each;
the others are predicted. Their order by prediction is held against that by the mean of their trainings: over all of
them, where Multi-Adds alone tell much, and within bands of about equal Multi-Adds, where they tell nothing. The rule is
asked on the table and on made-up truths over its architectures, for which the right answer is known.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.core.kendall import tau_b
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.proxies import STATIC
from seesaw_nas.evaluators.ranking.bands import cut
from seesaw_nas.search.estimates.predictor import (
    FOLDS,
    Array,
    Descriptions,
    Fitted,
    MakeRegressor,
    cross_validated,
    gaussian_process,
)
from seesaw_nas.search.estimates.reliability import reliability
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.workflows.problem import make_problem

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "predictor.json"
TABLE = HERE / "tables" / "digits-small.parquet"
SIZES = (16, 30, 60, 100)  # records to learn from
BAND = 0.06
FITTED = ConstantKernel() * RBF(8.0, (1, 100)) + WhiteKernel(0.5, (1e-3, 10))
REGRESSORS: dict[str, MakeRegressor] = {
    "ridge": lambda columns: make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 3, 9))),
    "random forest": lambda columns: RandomForestRegressor(100, min_samples_leaf=2, random_state=0),
    "extra trees": lambda columns: ExtraTreesRegressor(100, min_samples_leaf=2, max_features=0.5, random_state=0),
    "gradient boosting": lambda columns: GradientBoostingRegressor(
        n_estimators=100, max_depth=2, subsample=0.7, learning_rate=0.05, random_state=0
    ),
    "process, fitted": lambda columns: make_pipeline(
        StandardScaler(), GaussianProcessRegressor(FITTED, normalize_y=True)
    ),
    "process, fixed": gaussian_process,
}


class Recorded:
    """A table as arrays.

    Attributes:
        rows: descriptions, (architectures, columns); the last columns are the static scores.
        top1: of each training, (architectures, seeds).
        macs: (architectures,).
    """

    def __init__(self, path: Path) -> None:
        entries = tables.read(path).entries
        space = make_problem(SearchSettings.of(evaluator="table", table=str(path), device="cpu")).space
        self.rows = Descriptions(space).of([entry.architecture for entry in entries])
        self.top1 = np.array([[curve[-1].top1 for curve in entry.curves.values()] for entry in entries], np.float64)
        self.macs = np.array([entry.macs for entry in entries], np.float64)
        self.bands = cut([entry.macs for entry in entries], BAND)[0]

    @cached_property
    def in_band(self) -> Array:
        """Which band each is in, (architectures,); below zero for none."""
        found = -1.0 - np.arange(len(self.macs))
        for i, band in enumerate(self.bands):
            found[band.indices] = i
        return found

    def drawn(self, n: int, draw: int) -> tuple[Array, Array, Array]:
        """Indices of n to learn from, the top-1 of one training of each, and the indices of the others."""
        rng = np.random.default_rng([n, draw])
        chosen = rng.choice(len(self.rows), n, replace=False)
        top1 = self.top1[chosen, rng.integers(self.top1.shape[1], size=n)]
        return chosen, top1, np.setdiff1d(np.arange(len(self.rows)), chosen)

    def taus(self, scores: Array, of: Array) -> tuple[float, float]:
        """Tau-b against the mean of the trainings: over all pairs, and over those of one band."""
        truth, band = self.top1[of].mean(axis=1), self.in_band[of]
        return tau(scores, truth), tau(scores, truth, band[:, None] == band)


def tau(x: Array, y: Array, counted: Array | bool = True) -> float:
    """Kendall's tau-b over the pairs that count."""
    signs_x, signs_y = np.sign(x[:, None] - x) * counted, np.sign(y[:, None] - y) * counted
    parts = (np.array([np.sum(part)]) for part in (signs_x * signs_y, signs_x**2, signs_y**2))
    return float(tau_b(*parts)[0])


def compared(recorded: Recorded, draws: int) -> dict[str, dict[str, dict[str, object]]]:
    """By regressor and number of records: taus of what was held out, mean and standard error over the draws."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    contenders: dict[str, Callable[[Array, Array, Array], Array]] = {
        name: lambda chosen, top1, others, make=make: Fitted(recorded.rows[chosen], top1, make).predict(
            recorded.rows[others]
        )
        for name, make in REGRESSORS.items()
    }
    choices = slice(0, recorded.rows.shape[1] - len(STATIC))
    static = slice(choices.stop, None)
    for name, columns in (("process, fixed, choices alone", choices), ("process, fixed, static scores alone", static)):
        contenders[name] = lambda chosen, top1, others, columns=columns: Fitted(
            recorded.rows[chosen, columns], top1
        ).predict(recorded.rows[others, columns])
    contenders["Multi-Adds alone"] = lambda chosen, top1, others: recorded.macs[others]
    for name, predict in contenders.items():
        for n in SIZES:
            start, taus = time.process_time(), []
            for draw in range(draws):
                chosen, top1, others = recorded.drawn(n, draw)
                taus.append(recorded.taus(predict(chosen, top1, others), others))
            overall, within = np.array(taus).T
            seconds = (time.process_time() - start) / draws
            told = {"overall": told_of(overall), "within_bands": told_of(within), "ms": round(1000 * seconds)}
            found.setdefault(name, {})[str(n)] = told
            print(f"{name:36} {n:4} overall {overall.mean():.3f}  within bands {within.mean():.3f}", flush=True)
    return found


def told_of(values: Array) -> list[float]:
    """Mean and standard error."""
    return [round(float(values.mean()), 4), round(float(values.std(ddof=1) / np.sqrt(len(values))), 4)]


def relied_on(recorded: Recorded, draws: int) -> dict[str, dict[str, float]]:
    """In what share of the draws the rule would use the predictor, by truth and number of records."""
    spread, weights = recorded.top1.std(), np.random.default_rng(0).standard_normal(recorded.rows.shape[1])
    columns = recorded.rows / np.maximum(recorded.rows.std(axis=0), 1e-9)
    parts = {
        "noise alone": np.zeros(len(recorded.macs)),
        "Multi-Adds and noise": standardised(np.log(recorded.macs)),
        "less Multi-Adds and noise": -standardised(np.log(recorded.macs)),
        "choices, Multi-Adds and noise": standardised(columns @ weights) + standardised(np.log(recorded.macs)),
    }
    found: dict[str, dict[str, float]] = {}
    for name in ("the table", *parts):
        for n in SIZES:
            used = []
            for draw in range(draws):
                chosen, top1, _ = recorded.drawn(n, draw)
                rng = np.random.default_rng([n, draw, 1])
                if name in parts:
                    top1 = 0.9 + spread * (parts[name][chosen] + 0.7 * rng.standard_normal(n))
                predicted = cross_validated(recorded.rows[chosen], top1, FOLDS, rng)
                used.append(reliability(predicted, recorded.macs[chosen], top1).is_enough)
            found.setdefault(name, {})[str(n)] = round(float(np.mean(used)), 3)
        print(f"used with {name}: {found[name]}", flush=True)
    return found


def standardised(values: Array) -> Array:
    return (values - values.mean()) / values.std()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--draws", type=int, default=20, help="sets of records to learn from, for each size")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    recorded = Recorded(options.table)
    about = {
        "file": options.table.name, "sha256": hashlib.sha256(options.table.read_bytes()).hexdigest(),
        "architectures": len(recorded.macs), "trainings_of_each": recorded.top1.shape[1], "split": "validation",
        "bands": len(recorded.bands), "band": BAND, "draws": options.draws,
    }  # fmt: skip
    result = {
        "about": about,
        "conditions": conditions("cpu", "pyarrow", "scikit-learn"),
        "tau_mean_and_error": compared(recorded, options.draws),
        "share_relied_on": relied_on(recorded, 5 * options.draws),
    }
    write_json(options.out, result)


if __name__ == "__main__":
    main()
