"""A made-up run on digits whose architectures differ by their expansions, with noise of a seed that is known."""

from functools import cache

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.report import Run
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible, load
from seesaw_nas.training.epoch import Epoch

SPACE = load("seesaw-digits")
BUDGET = SPACE.budget("600K")
NOISE = 0.15  # of the log odds of one seed


def wide(architecture):
    """How many blocks in a hundred have the larger expansion of the two."""
    blocks = [at.block for at in architecture.canonical.placed]
    return sum(block.expansion >= 4 for block in blocks) / len(blocks)


@cache
def trials(count, seed=0):
    """Log odds of top-1 are 1, and 1.5 more where all blocks are wide; the losses tell the same with other noise."""
    rng, feasible = np.random.default_rng(seed), Feasible(SPACE, BUDGET)
    found = []
    for number in range(count):
        architecture = feasible.draw_even(rng)
        worth = 1 + 1.5 * wide(architecture)
        top1 = float(1 / (1 + np.exp(-worth - NOISE * rng.standard_normal())))
        loss, train_loss = (float(np.exp(-0.5 * worth + NOISE * rng.standard_normal())) for _ in range(2))
        curve = (Epoch(1, train_loss, loss, top1, 1.0),)
        macs, params = cost.macs(architecture), cost.params(architecture)
        found.append(
            TrialRecord(number, "complete", architecture, macs, params, top1, seed=1, seconds=1.0, curve=curve)
        )
    return tuple(found)


@cache
def run(count, **chosen):
    settings = SearchSettings.of(dataset="digits", epochs=1, **chosen)
    return Run("r", trials(count), BUDGET, settings, space=SPACE)
