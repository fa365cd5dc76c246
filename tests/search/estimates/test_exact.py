"""The best architecture against brute force, and the best of a run."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from made_up import EPOCHS, trial

from seesaw_nas.architecture import cost
from seesaw_nas.search.estimates.exact import best_unknown
from seesaw_nas.search.estimates.features import Features
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.space import Budget
from seesaw_nas.space.additive import Additive
from seesaw_nas.space.files import load

SMALL = Path(__file__).parents[3] / "benchmarks" / "tables" / "digits-small.toml"


@pytest.fixture(scope="module")
def space():
    """Two choices of depth in one stage, few blocks: 1,440 architectures."""
    whole = load(str(SMALL))
    stages = [replace(stage, expansions=(1, 2)) for stage in whole.stages] if hasattr(whole.stages[0], "expansions") else whole.stages
    return replace(whole, stages=tuple(stages))


def every(space):
    found = {}
    for width in range(space.widths):
        places = list(space.slots(width))
        offered = [space.options(slot) for slot in places]
        for blocks in product(*offered):
            one = space.build(width, [[block] for block in blocks])
            found[one.digest] = one
    return list(found.values())
