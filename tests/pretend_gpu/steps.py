"""The steps whose operators are counted, each small, on the first GPU; see ``STEPS``.

Each imports what it needs, so that one can be counted while another does not work.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from pretend_gpu.log import Count, counting
from seesaw_nas import space
from seesaw_nas.architecture import specfile
from seesaw_nas.data import Images, SearchData
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible
from seesaw_nas.training import graphs, recipes
from seesaw_nas.training.batches import TrainingBatch, draw_blend
from seesaw_nas.training.execution import Execution
from seesaw_nas.training.step import Trainer

NETWORK = "seesaw-shuffle-0.5d@cifar10"
BATCH = 4
WARM = 1  # steps before the one that is counted, which make what is kept

Step = Callable[[], Any]
DEVICE = torch.device("cuda:0")


def count_step(name: str) -> Count:
    """What the step called ``name`` does once everything that is kept is there."""
    step = STEPS[name]()
    for _ in range(graphs.WARM_UP + 1 if name == "graphs" else WARM):
        step()
    with counting() as count:
        step()
    return count


def _data(n: int, shape: tuple[int, int, int]) -> SearchData:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (n,), generator=generator))
    return SearchData.of("random", tuple("0123456789"), images, images, flip=True, padding=shape[1] // 8)


def training(recipe: str, recorded: bool = False, **changes: Any) -> Step:
    """A step of :class:`Trainer`, with the dealing of its batch; another ``recipe`` by ``changes`` of its fields."""
    architecture = specfile.resolve(NETWORK).architecture
    wanted = replace(recipes.recipe(recipe), batch_size=BATCH, epochs=100, **changes)
    model = build(architecture, dropout=wanted.dropout, seed=0)
    data = _data(8 * BATCH, architecture.input)
    trainer = Trainer.of(model, data, wanted, 0, DEVICE, execution=Execution("graphs" if recorded else "eager"))

    def steps() -> Iterator[Any]:
        for number in itertools.count(1):
            yield from trainer.epoch(number)

    taken = steps()
    return lambda: next(taken)


def supernet(name: str, recipe: str = "quick", sampling: str = "single-path") -> Step:
    """A step of a supernet's training, on an architecture drawn for it."""
    from seesaw_nas.training.supernet import Supernet
    from seesaw_nas.training.supernet.trainer import SupernetTrainer

    searched = space.load(name)
    feasible = Feasible.of(searched, searched.default_budget)
    data = _data(8 * BATCH, (searched.input_channels, searched.input_size, searched.input_size))
    wanted = replace(recipes.recipe(recipe), ema=0.0, epochs=100)
    whole = Supernet.build(searched, seed=0).to(DEVICE)
    trainer = SupernetTrainer.of(whole, feasible, data, wanted, 0, sampling)
    rng, images = np.random.default_rng(0), trainer.data.train
    blend = draw_blend(wanted, data.input, BATCH, 0).to(DEVICE)
    batch = TrainingBatch(0, images.images[:BATCH], images.labels[:BATCH], BATCH, blend, 0)
    return lambda: trainer.step(batch, trainer.sample(rng))


def score(name: str) -> Step:
    """One inherited score of an architecture drawn for it."""
    from seesaw_nas.evaluators.inherited import InheritedEvaluator
    from seesaw_nas.training.supernet import Supernet

    searched = space.load(name)
    feasible = Feasible.of(searched, searched.default_budget)
    data = _data(2 * BATCH, (searched.input_channels, searched.input_size, searched.input_size)).to(DEVICE)
    evaluator = InheritedEvaluator(Supernet.build(searched, seed=0).to(DEVICE), data, DEVICE)
    rng = np.random.default_rng(1)
    return lambda: evaluator.evaluate(feasible.draw_even(rng), seed=0)


STEPS: dict[str, Callable[[], Step]] = {
    "quick": lambda: training("quick"),
    "paper": lambda: training("paper"),
    "modern": lambda: training("modern"),
    "mixup": lambda: training("modern", mixup=0.2),
    "graphs": lambda: training("modern", recorded=True),
    "supernet-digits": lambda: supernet("seesaw-digits"),
    "supernet-cifar": lambda: supernet("seesaw-cifar"),
    "supernet-sandwich": lambda: supernet("seesaw-digits", "modern", "sandwich"),
    "score-digits": lambda: score("seesaw-digits"),
    "score-cifar": lambda: score("seesaw-cifar"),
}
