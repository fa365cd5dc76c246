"""A small table of made-up trainings of real architectures."""

import numpy as np

from seesaw_nas import space
from seesaw_nas.evaluators import Subject
from seesaw_nas.evaluators.table import Recorded, Table
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible
from seesaw_nas.training import recipes
from seesaw_nas.training.epoch import Epoch

EPOCHS = 3
SETTINGS = SearchSettings.of(dataset="digits", budget="600K", epochs=EPOCHS, device="cpu")


def drawn(count, seed=0):
    """Distinct architectures of the space for digits."""
    feasible, rng = Feasible.of(space.load("seesaw-digits"), "600K"), np.random.default_rng(seed)
    found = {}
    while len(found) < count:
        architecture = feasible.draw(rng)
        found[architecture.digest] = architecture
    return list(found.values())


def curve(end):
    """Half of it after epoch 1, three quarters after epoch 2, an epoch takes two seconds."""
    return tuple(Epoch(k, 1.0, 1.0, end * (0.25 + 0.25 * k), 2.0) for k in range(1, EPOCHS + 1))


def table(top1, architectures, settings=SETTINGS):
    """Top-1 of each training: ``top1[seed][architecture]``."""
    about = {
        "settings": settings.to_dict(),
        "budget": {"low": 0, "high": 600_000},
        "space": "seesaw-digits",
        "recipe": recipes.recipe("quick", EPOCHS).to_dict(),
        "conditions": {},
    }
    entries = tuple(
        Recorded(architecture, {seed: curve(float(row[i])) for seed, row in enumerate(top1)})
        for i, architecture in enumerate(architectures)
    )
    return Table(Subject("digits", (1, 8, 8), 10, 1079, 359), EPOCHS, about, entries)
