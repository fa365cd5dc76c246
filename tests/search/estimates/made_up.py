"""Made-up runs: real architectures whose worth, and whose noise, are known."""

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Feasible, load
from seesaw_nas.space.genotype import traits
from seesaw_nas.training.epoch import Epoch

EPOCHS = 4
NOISE = 0.25  # standard deviation of a seed's log odds at the end
SPACE = load("seesaw-digits")
FEASIBLE = Feasible.of(SPACE, "600K")


def drawn(count, seed=0):
    """Distinct architectures within 600K."""
    rng, found = np.random.default_rng(seed), {}
    while len(found) < count:
        architecture = FEASIBLE.draw(rng)
        found[architecture.digest] = architecture
    return list(found.values())


def worths(architectures, seed=0):
    """Log odds: 2, and so much for each choice that architectures differ by half of one."""
    rng, values, found = np.random.default_rng(seed), {}, []
    effects = rng.standard_normal(200)
    for architecture in architectures:
        total = 0.0
        for at in architecture.canonical.placed:
            for trait in traits(at.block).items():
                total += effects[values.setdefault(trait, len(values))]
        found.append(total / len(architecture.canonical.placed))
    found = np.array(found)
    return 2 + 0.5 * (found - found.mean()) / (found.std() or 1.0)


def fraction(value):
    return float(1 / (1 + np.exp(-value)))


def trial(number, architecture, worth, rng, epochs=EPOCHS, state="", noise=NOISE):
    """A training: worse and noisier in early epochs; losses tell more than the top-1 they belong to."""
    common, curve = rng.standard_normal(), []
    for epoch in range(1, epochs + 1):
        late = epoch / EPOCHS
        middle = 1 + late * (worth - 1)
        top1 = fraction(middle + noise * (0.7 * common + 0.7 * rng.standard_normal()))
        loss = np.exp(-0.6 * middle + noise * (0.3 * common + 0.2 * rng.standard_normal()))
        train_loss = np.exp(-0.5 * middle + noise * (0.2 * common + 0.3 * rng.standard_normal()))
        curve.append(Epoch(epoch, float(train_loss), float(loss), top1, 1.0))
    state = state or ("complete" if epochs == EPOCHS else "stopped")
    top1 = curve[-1].top1 if state == "complete" else None
    macs, params = cost.macs(architecture), cost.params(architecture)
    return TrialRecord(number, state, architecture, macs, params, top1, curve=tuple(curve))


def expected(worth, noise=NOISE):
    """Top-1 at the end, averaged over many seeds."""
    by_chance = noise * np.random.default_rng(1).standard_normal(4000)  # 0.7 and 0.7 make 0.99
    return (1 / (1 + np.exp(-(worth[:, None] + by_chance)))).mean(axis=1)
