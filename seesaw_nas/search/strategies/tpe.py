"""Optuna's TPE on the genes, told by how much a proposal misses the budget."""

from __future__ import annotations

import optuna

from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.search.strategies.sampled import Sampled


def make(setting: Setting) -> Sampled:
    """TPE over all genes together: over each alone, it would propose the same ones again and again."""
    return Sampled(setting, lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=0))
