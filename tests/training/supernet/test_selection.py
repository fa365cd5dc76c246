"""Entries of the flat vector by kind of block: shared between places, bounded in bytes, and what a step moves by."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from spaces import EVERYTHING, all_at_once, data_for

from seesaw_nas import space
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Block
from seesaw_nas.data import normalise
from seesaw_nas.network.fast import Formulation
from seesaw_nas.network.flat.cache import BoundedCache
from seesaw_nas.space import Feasible
from seesaw_nas.training.batches import TrainingBatch
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.supernet import Supernet, selection
from seesaw_nas.training.supernet.layout import layout_of
from seesaw_nas.training.supernet.trainer import SupernetTrainer

CPU = torch.device("cpu")
RECIPE = Recipe("test", "made up", 2, 6, 1.0, 0.0, 0.0, "cosine", dropout=0.0, label_smoothing=0.1)
DATA = data_for(EVERYTHING, 12)
BATCH = TrainingBatch(0, DATA.train.images[:6], DATA.train.labels[:6], 6, torch.empty((0, 6), dtype=torch.int64), 0)
FORMULATIONS = {"cpu": Formulation(folds=True), "gpu": Formulation(folds=False, multiple=8)}


@pytest.fixture(scope="module")
def supernet():
    made = Supernet.build(EVERYTHING, seed=0)
    noise = torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(7), dtype=torch.double)
    return replace(made, weights=made.weights.double() + 0.1 * noise)


def defined(supernet, architecture):
    """Mean loss and its gradient with regard to all weights, by the supernet's definition."""
    leaf = supernet.weights.clone().requires_grad_()
    x = normalise(BATCH.images, DATA.mean, DATA.std).double()
    logits = replace(supernet, weights=leaf).forward(x, architecture)
    loss = torch.nn.functional.cross_entropy(logits, BATCH.labels, label_smoothing=0.1)
    loss.backward()
    return loss.detach(), leaf.grad


@pytest.mark.thorough
@pytest.mark.parametrize("formulation", FORMULATIONS)
@pytest.mark.parametrize("width", range(EVERYTHING.widths))
def test_a_step_of_every_kind_of_block_moves_by_the_gradient_of_the_definition(
    supernet, width, formulation, monkeypatch
):
    monkeypatch.setattr("seesaw_nas.training.batches.normalise", lambda *args: normalise(*args).double())
    feasible = Feasible.of(EVERYTHING, "100%")
    for architecture in all_at_once(EVERYTHING, width):
        trainer = SupernetTrainer.of(supernet, feasible, DATA, RECIPE, 0, "single-path")
        trainer = replace(trainer, formulation=FORMULATIONS[formulation])
        found = trainer.step(BATCH, [architecture])
        loss, gradient = defined(supernet, architecture)
        torch.testing.assert_close(found, loss, rtol=1e-12, atol=0)
        moved = supernet.weights - trainer.supernet.weights  # at a rate of 1, without momentum and decay
        scale = float(gradient.abs().max())
        torch.testing.assert_close(moved, gradient, rtol=1e-9, atol=1e-12 * scale)
        assert not moved[gradient == 0].abs().gt(1e-12 * scale).any()


def test_blocks_of_one_kind_share_their_entries_at_different_places():
    searched = space.load("seesaw-cifar")
    layout, block = layout_of(searched), Block(6, 5, Partition.parse("1:3"), "shuffle")
    architecture = searched.build(
        0, [[searched.options(next(s for s in searched.slots(0) if s.stage == i))[0]] * len_ for i, len_ in LONGEST]
    )
    stages = [
        [block] * len(stage.blocks) if i == 3 else list(stage.blocks) for i, stage in enumerate(architecture.stages)
    ]
    placed = [at for at in searched.build(0, stages).placed if at.stage == 3]
    entries = [selection._place_entries(layout, at.stage, at, 1, CPU) for at in placed]
    assert layout.places[3, 1] == layout.places[3, 2] != layout.places[3, 0]
    assert entries[1][0] is entries[2][0] is entries[3][0]
    assert len({start for _, start in entries}) == len(placed)
    relu = replace(placed[1], block=replace(block, expand_activation="relu6"))
    assert selection._place_entries(layout, relu.stage, relu, 1, CPU)[0] is entries[1][0]


LONGEST = [(0, 1), (1, 4), (2, 6), (3, 8), (4, 6), (5, 6), (6, 1)]


class Result:
    def __init__(self, name, nbytes):
        self.name, self.nbytes = name, nbytes


def test_what_is_kept_is_bounded_in_bytes_and_the_longest_unused_goes_first():
    made = []

    def make(name, nbytes):
        made.append(name)
        return Result(name, nbytes)

    cache = BoundedCache(make, limit=100)
    for name in "abab":
        cache(name, 40)
    assert (made, cache.used) == (["a", "b"], 80)
    cache("c", 30)  # 110 bytes: a was unused for longest
    assert cache.used == 70
    cache("b", 40)
    cache("a", 40)  # 110 again: c goes
    assert (made, cache.used) == (["a", "b", "c", "a"], 80)
    cache("large", 101)
    assert cache.used == 80
    assert cache("b", 40) is cache("b", 40)


def test_entries_of_thousands_of_blocks_stay_within_their_limit(monkeypatch):
    entries = BoundedCache(selection.block_entries._make, limit=2**20)
    monkeypatch.setattr(selection, "block_entries", entries)
    searched = space.load("seesaw-digits")
    layout, feasible, rng = layout_of(searched), Feasible.of(searched, "100%"), np.random.default_rng(0)
    chosen = [feasible.draw_fair(rng) for _ in range(60)]
    first = [selection.select(layout, architecture, 1, CPU).index for architecture in chosen]
    assert 2**19 < entries.used <= 2**20
    for architecture, index in zip(chosen, first, strict=True):
        assert torch.equal(selection.select(layout, architecture, 1, CPU).index, index)
    assert sum(one.nbytes for one in entries._values.values()) == entries.used
