import gc
import signal
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from spaces import EVERYTHING, data_for

from seesaw_nas import data, space
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import Interrupted, OptionError, RunError, SpecError, TrainingFailed
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible
from seesaw_nas.training.accuracy import measure
from seesaw_nas.training.batches import TrainingBatch, draw_blend
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import Trainer
from seesaw_nas.training.supernet import SAMPLINGS, Supernet, train
from seesaw_nas.training.supernet.sampling import sampler
from seesaw_nas.training.supernet.trainer import SupernetTrainer

RECIPE = Recipe("test", "made up", 2, 16, 0.1, 0.9, 1e-2, "cosine", dropout=0.2, label_smoothing=0.1)
RICH = replace(RECIPE, cutout=0.25, mixup=0.2, decay_norms=False, nesterov=True)
DATA, FEASIBLE = data_for(EVERYTHING), Feasible.of(EVERYTHING, "60%")
STEPS = 3  # an epoch: 48 images in batches of 16
SUPERNET = Supernet.build(EVERYTHING, seed=0)


def trainer(recipe=RECIPE, sampling="single-path"):
    copied = replace(SUPERNET, weights=SUPERNET.weights.clone())
    return SupernetTrainer.of(copied, FEASIBLE, DATA, recipe, 0, sampling)


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    return [FEASIBLE.draw(rng) for _ in range(n)]


BLEND = draw_blend(RICH, DATA.input, 16, seed=4)
BATCH = TrainingBatch(0, DATA.train.images[:16], DATA.train.labels[:16], 16, BLEND, dropout=5)


@pytest.mark.parametrize("recipe", [RECIPE, RICH, replace(RECIPE, momentum=0.0)], ids=["plain", "rich", "no momentum"])
def test_steps_of_one_architecture_are_those_of_its_own_training(recipe):
    (architecture,), shared = drawn(1), trainer(replace(recipe, dropout=0.0))
    alone = Trainer.of(SUPERNET.extract(architecture), DATA, shared.recipe, 0, torch.device("cpu"))
    for number in range(3):
        batch = replace(BATCH, number=number)
        wanted = alone.step(number, batch.images, batch.labels, batch.blend)
        assert shared.step(batch, [architecture]).item() == pytest.approx(wanted.item(), rel=1e-5)
    for found, weight in zip(shared.supernet.extract(architecture).parameters(), alone.model.parameters(), strict=True):
        torch.testing.assert_close(found, weight, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("recipe", [RECIPE, RICH], ids=["plain", "rich"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_step_moves_what_it_uses_and_leaves_all_else_momentum_too(recipe, count):
    shared = trainer(recipe)
    shared.descent.momentum.uniform_(generator=torch.Generator().manual_seed(1))
    weights, momentum = shared.descent.weights.clone(), shared.descent.momentum.clone()
    architectures = drawn(count)
    shared.step(BATCH, architectures)
    used = torch.zeros(len(weights), dtype=torch.bool)
    for architecture in architectures:
        used[shared.supernet.index(architecture)] = True
    assert 0 < used.sum() < len(used)
    for now, before in ((shared.descent.weights, weights), (shared.descent.momentum, momentum)):
        assert torch.equal(now[~used], before[~used])
        assert (now[used] != before[used]).float().mean() > 0.99


def test_a_sandwich_adds_gradients_up_and_all_but_the_first_learn_its_answers():
    recipe = replace(RECIPE, momentum=0.0, weight_decay=0.0, dropout=0.0)
    shared, (teacher, student) = trainer(recipe), drawn(2)
    leaf = SUPERNET.weights.clone().requires_grad_()
    learning = replace(SUPERNET, weights=leaf)
    x = DATA.train.images[:16] / 255
    x = (x - torch.tensor(DATA.mean).view(3, 1, 1)) / torch.tensor(DATA.std).view(3, 1, 1)
    logits = learning.forward(x, teacher)
    labelled = torch.nn.functional.cross_entropy(logits, BATCH.labels, label_smoothing=0.1)
    answers = logits.detach().softmax(1)
    told = -(answers * learning.forward(x, student).log_softmax(1)).sum(1).mean()
    (labelled + told).backward()
    loss = shared.step(BATCH, [teacher, student])
    assert loss.item() == pytest.approx(labelled.item(), rel=1e-4)
    # the first step of the cosine has the whole rate, 0.1
    torch.testing.assert_close(shared.descent.weights, SUPERNET.weights - 0.1 * leaf.grad, rtol=1e-3, atol=1e-5)


def test_samplings_draw_within_the_budget_and_a_sandwich_has_its_ends():
    rng, band = np.random.default_rng(0), Feasible.of(EVERYTHING, "30%:60%")
    one, several = sampler("single-path", band)(rng), sampler("sandwich", band)(rng)
    assert (len(one), len(several)) == (1, 4)
    assert all(architecture in band.budget for architecture in [*one, *several])
    assert [cost.macs(architecture) for architecture in several[:2]] == [band.costliest, band.cheapest]
    with pytest.raises(OptionError, match="unknown sampling 'sandwhich', did you mean 'sandwich'"):
        sampler("sandwhich", band)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("step", [1, STEPS, STEPS + 2])
def test_ended_by_a_signal_and_resumed_equals_uninterrupted_to_the_bit(tmp_path, sampling, step):
    path, taken = tmp_path / "checkpoint.safetensors", []
    recipe = RICH if sampling == "single-path" else RECIPE
    whole = train(SUPERNET, FEASIBLE, DATA, recipe, seed=0, sampling=sampling)
    how = {"seed": 0, "sampling": sampling, "checkpoint": path}

    def stop():
        return signal.SIGTERM if len(taken) >= step else None

    with pytest.raises(Interrupted, match="the checkpoint is written; the same command with --resume goes on"):
        train(SUPERNET, FEASIBLE, DATA, recipe, **how, stop=stop, on_step=lambda *_: taken.append(1))
    steps, other = [], Supernet.build(EVERYTHING, seed=9)
    resumed = train(other, FEASIBLE, DATA, recipe, **how, on_step=lambda done, total: steps.append((done, total)))
    assert torch.equal(resumed.supernet.weights, whole.supernet.weights)
    assert steps == [(done, 2 * STEPS) for done in range(step + 1, 2 * STEPS + 1)]
    assert [entry.train_loss for entry in resumed.curve] == [entry.train_loss for entry in whole.curve]
    assert all(entry.loss is None and entry.top1 is None for entry in whole.curve)
    assert (resumed.steps, whole.steps) == (2 * STEPS, 2 * STEPS)
    assert min(resumed.seconds, resumed.core_seconds) > 0


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    train(SUPERNET, FEASIBLE, DATA, RECIPE, seed=0, checkpoint=path)
    for change, feasible, says in (
        ({"sampling": "sandwich"}, FEASIBLE, "sampling single-path, wanted sandwich"),
        ({"seed": 1}, FEASIBLE, "seed 0, wanted 1"),
        ({}, Feasible.of(EVERYTHING, "50%"), "budget"),
    ):
        with pytest.raises(RunError, match=rf"is of a training with {says}.*; delete it or name another file"):
            train(SUPERNET, feasible, DATA, RECIPE, **{"seed": 0, "checkpoint": path, **change})


def test_the_given_weights_stay_and_a_seed_decides_the_rest():
    before = SUPERNET.weights.clone()
    epochs = []
    first, second, other = (
        train(SUPERNET, FEASIBLE, DATA, RECIPE, seed=seed, on_epoch=epochs.append) for seed in (0, 0, 1)
    )
    assert torch.equal(SUPERNET.weights, before)
    assert torch.equal(first.supernet.weights, second.supernet.weights)
    assert not torch.equal(first.supernet.weights, other.supernet.weights)
    assert [entry.epoch for entry in epochs] == 3 * [1, 2]


def test_training_that_cannot_be_is_refused_in_one_line():
    single = replace(DATA, train=DATA.train.take(np.array([0])))
    elsewhere = Feasible.of(space.load("seesaw-digits"), "100%")
    with pytest.raises(TrainingFailed, match="cannot train on 1 image: batch norm wants at least 2"):
        train(SUPERNET, FEASIBLE, single, RECIPE, seed=0)
    with pytest.raises(OptionError, match="a seed is a whole number of at least 0, got -1"):
        train(SUPERNET, FEASIBLE, DATA, RECIPE, seed=-1)
    with pytest.raises(OptionError, match="recipe 'test' averages weights, which no supernet's training does"):
        train(SUPERNET, FEASIBLE, DATA, replace(RECIPE, ema=0.1, recalibration_images=16), seed=0)
    with pytest.raises(SpecError, match="the architecture is not in space 'everything', whose weights these are"):
        train(SUPERNET, elsewhere, DATA, RECIPE, seed=0)
    with pytest.raises(TrainingFailed, match="loss is not finite in epoch 1 of 2 with a learning rate of up to 1e"):
        train(SUPERNET, FEASIBLE, DATA, replace(RECIPE, learning_rate=1e30), seed=0)


@pytest.mark.thorough
def test_inherited_weights_come_to_tell_digits_apart():
    digits, searched = data.load("digits"), space.load("seesaw-digits")
    feasible = Feasible.of(searched, "600K")
    recipe = Recipe("test", "made up", 10, 64, 0.1, 0.9, 1e-4, "one-cycle", warm_up=0.2, augment=False)
    trained = train(Supernet.build(searched, seed=0), feasible, digits, recipe, seed=0).supernet
    architecture = feasible.draw_even(np.random.default_rng(1))
    found = []
    for network in (trained.extract(architecture), build(architecture, seed=0)):
        recalibrate(network, digits.train.first(500), digits.mean, digits.std)
        found.append(measure(network, digits.validation, digits.mean, digits.std).top1)
    assert found[0] > 0.4  # chance is 0.1
    assert found[1] < 0.3


def test_a_finished_training_is_freed_at_once_and_leaves_the_weights_alone():
    shared = trainer()
    shared.step(BATCH, drawn(1))
    left = [weakref.ref(thing) for thing in (shared.descent, shared.supernet, shared.descent.momentum)]
    gc.disable()
    try:
        del shared
        assert [ref() for ref in left] == [None, None, None]
    finally:
        gc.enable()
    weights = train(SUPERNET, FEASIBLE, DATA, RECIPE, seed=0).supernet.weights
    assert weights.untyped_storage().nbytes() == weights.nbytes
