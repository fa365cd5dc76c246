"""Optuna's Gaussian process on the genes; its time for a proposal grows fast with the trials."""

from __future__ import annotations

import optuna

from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.search.strategies.sampled import Sampled


def make(setting: Setting) -> Sampled:
    """The sampler with its randomness derived from each trial's number."""
    return Sampled(setting, lambda seed: optuna.samplers.GPSampler(seed=seed, n_startup_trials=0))
