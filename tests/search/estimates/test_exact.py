"""The best architecture of a small space, against all of them."""

from itertools import product

import numpy as np
import pytest
from made_up import EPOCHS, trial
from open_spaces import OPEN, list_networks

from seesaw_nas.architecture import cost
from seesaw_nas.search.estimates.exact import best_unknown
from seesaw_nas.search.estimates.features import Features
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.space import Budget
from seesaw_nas.space.additive import Additive
from seesaw_nas.space.files import parse

# Two widths; a stage of one or two blocks, and one of one: 6 * (1 + 6) blocks twice over, less the spellings that
# are one network (a single group has nothing to shuffle).
TEXT = """
schema_version = 1
name = "tiny"
description = "few enough to try all"
budget = "100%"
input = { size = 8, channels = 1, classes = 10 }
stem = { channels = [8, 16], stride = 1 }
head = { channels = 16 }
blocks = { expansions = [1, 2], kernels = [3], partitions = ["1", "1:1"], flows = ["shuffle", "none"], \
activations = ["none"] }
[[stages]]
channels = [8, 16]
stride = 1
repeats = [1, 2]
[[stages]]
channels = [16, 16]
stride = 2
repeats = [1]
"""
SPACE = parse(TEXT, "tiny.toml")


def every():
    found = {}
    for width in range(SPACE.widths):
        slots = {(slot.stage, slot.index): SPACE.options(slot) for slot in SPACE.slots(width)}
        for first, second, third in product(slots[0, 0], (None, *slots[0, 1]), slots[1, 0]):
            one = SPACE.build(width, [[first, second] if second else [first], [third]])
            found[one.digest] = one
    return list(found.values())


ALL = every()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_best_unknown_is_the_best_that_is_left(seed, share):
    rng, features = np.random.default_rng(seed), Features(SPACE, SPACE.costliest_macs)
    weights = rng.standard_normal(len(features))
    totals = np.array([features.of(one) @ weights for one in ALL])
    budget = Budget(0, int(share * SPACE.costliest_macs))
    within = [i for i, one in enumerate(ALL) if one in budget]
    ranked = sorted(within, key=lambda i: -totals[i])
    programme, scores = Additive(SPACE, budget), features.scores(weights)
    for count in (0, 1, 5, 20):
        known = {ALL[i].digest for i in ranked[:count]}
        found = best_unknown(programme, scores, SPACE, budget, known)
        assert found is not None
        assert features.of(found) @ weights == pytest.approx(totals[ranked[count]])
        assert found.digest not in known


def test_nothing_is_left_where_all_are_known():
    features = Features(SPACE, SPACE.costliest_macs)
    scores = features.scores(np.zeros(len(features)))
    cheapest = min(cost.macs(one) for one in ALL)
    budget = Budget(0, cheapest)
    known = {one.digest for one in ALL if cost.macs(one) <= cheapest}
    assert best_unknown(Additive(SPACE, budget), scores, SPACE, budget, known) is None


@pytest.mark.parametrize("seed", range(4))
def test_best_of_a_run_is_the_best_of_the_space(seed):
    rng = np.random.default_rng(seed)
    features = Features(SPACE, SPACE.costliest_macs)
    worth = np.array([features.of(one) for one in ALL]) @ rng.standard_normal(len(features))
    worth = 2 + 0.5 * (worth - worth.mean()) / worth.std()
    estimates, budget = Estimates(SPACE, EPOCHS), Budget(0, int(0.7 * SPACE.costliest_macs))
    for number, k in enumerate(rng.integers(len(ALL), size=40)):
        estimates.tell(trial(number, ALL[k], worth[k], rng))
    within = [one for one in ALL if one in budget]
    found = estimates.best(budget)
    assert found is not None
    assert found in budget
    assert estimates.of([found]).mean[0] == pytest.approx(estimates.of(within).mean.max(), abs=1e-4)


def test_a_space_of_one_architecture():
    text = TEXT.replace("[8, 16]", "8").replace("[16, 16]", "16").replace("[1, 2]", "[1]")
    space = parse(text.replace('"1", "1:1"', '"1"').replace('"shuffle", "none"', '"none"'), "one.toml")
    (one,) = [space.build(0, [[space.options(slot)[0]] for slot in space.slots(0)])]
    estimates, rng = Estimates(space, EPOCHS), np.random.default_rng(0)
    for number in range(12):
        estimates.tell(trial(number, one, 2.0, rng))
    estimate = estimates.of([one])
    assert estimate.mean[0] == pytest.approx(0.878, abs=0.03)  # 1 / (1 + exp(-2)), a little less by the noise
    assert 0 < estimate.sd[0] < 0.03
    assert estimates.best(Budget(0, space.costliest_macs)) == one
    assert estimates.best_untrained(Budget(0, space.costliest_macs), {one.digest}) is None
    assert not estimates.knows


@pytest.mark.parametrize("seed", range(3))
def test_the_best_one_by_one_with_optional_stages_and_heads(seed):
    """Of 1,344 networks within half the budget the first twelve, in order; widths offer different numbers of blocks."""
    rng, features = np.random.default_rng(seed), Features(OPEN, OPEN.costliest_macs)
    weights = rng.standard_normal(len(features))
    budget = Budget(0, OPEN.costliest_macs // 2)
    fitting = [one for one in list_networks(OPEN).values() if one in budget]
    totals = sorted((float(features.of(one) @ weights) for one in fitting), reverse=True)
    programme, scores, known = Additive(OPEN, budget), features.scores(weights), []
    for total in totals[:12]:
        found = best_unknown(programme, scores, OPEN, budget, {one.digest for one in known})
        known.append(found)
        assert float(features.of(found) @ weights) == pytest.approx(total, abs=1e-9)
    assert len({one.digest for one in known}) == 12
