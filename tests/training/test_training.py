import gc
import math
import random
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import OptionError, TrainingFailed
from seesaw_nas.data import Images, SearchData
from seesaw_nas.network.models import build
from seesaw_nas.training.accuracy import measure
from seesaw_nas.training.loop import train
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import Trainer

CLASSES, SIZE, N_TRAIN, N_VALIDATION = 4, 8, 90, 48
RECIPE = Recipe("test", "made up", 3, 16, 0.1, 0.9, 1e-4, "cosine", dropout=0.2, label_smoothing=0.1)
# ends in maps of a single pixel, where batch norm refuses a batch of one image
TINY = Architecture(
    SIZE, 1, CLASSES, Stem(8, 2),
    (Stage(8, 2, (Block(2, 3, Partition((1, 3)), "shuffle"),)), Stage(8, 2, (Block(2, 3, Partition((1,)), "none"),))),
    Head(16),
)  # fmt: skip


def quadrants(n, seed):
    """Noise with one bright quadrant, whose place is the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    images = rng.integers(0, 120, (n, 1, SIZE, SIZE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = 4 * (label // 2), 4 * (label % 2)
        image[0, row : row + 4, column : column + 4] += 130
    return Images(torch.from_numpy(images), torch.from_numpy(labels))


def data_of(train_images, validation_images, name="quadrants", padding=1):
    classes = tuple(f"quadrant {i}" for i in range(CLASSES))
    return SearchData.of(name, classes, train_images, validation_images, flip=False, padding=padding)


DATA = data_of(quadrants(N_TRAIN, 0), quadrants(N_VALIDATION, 1))
STEPS = 6  # an epoch: 90 images in batches of 15, since 16 at most


def trained(seed=0, recipe=RECIPE, **options):
    model = build(TINY, dropout=recipe.dropout, seed=seed)
    return model, train(model, DATA, recipe, seed=seed, **options)


def same_bits(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_training_learns_what_there_is_to_learn():
    model, result = trained(epochs=5)
    assert result.top1 >= 0.9  # chance is 0.25; seeds 0 to 5 all reached 1.0
    assert result.curve[-1].train_loss < result.curve[0].train_loss
    data = DATA.validation
    measured = measure(model, data, DATA.mean, DATA.std)
    assert (measured.loss, measured.top1) == pytest.approx((result.loss, result.top1))


def test_same_seed_gives_the_same_bits_and_another_seed_another_network():
    (a, first), (b, second), (c, _) = trained(0), trained(0), trained(1)
    assert same_bits(a, b)
    assert [(e.train_loss, e.loss, e.top1) for e in first.curve] == [
        (e.train_loss, e.loss, e.top1) for e in second.curve
    ]
    assert not same_bits(a, c)


def test_global_generators_neither_change_nor_matter():
    a, _ = trained()
    torch.manual_seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    b, _ = trained()
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]
    assert same_bits(a, b)


def test_every_step_and_every_epoch_is_told():
    steps, epochs = [], []
    _, result = trained(epochs=2, on_step=lambda done, total: steps.append((done, total)), on_epoch=epochs.append)
    assert steps == [(done, 2 * STEPS) for done in range(1, 2 * STEPS + 1)]
    assert tuple(epochs) == result.curve
    assert [entry.epoch for entry in epochs] == [1, 2]
    assert (result.loss, result.top1) == (epochs[-1].loss, epochs[-1].top1)
    assert result.seconds == pytest.approx(sum(entry.seconds for entry in epochs))
    assert result.images_per_second > 0


def test_without_evaluation_each_epoch_only_the_last_has_a_score_and_it_is_the_same():
    _, every = trained()
    _, last = trained(evaluate_each_epoch=False)
    assert [entry.top1 for entry in last.curve] == [None, None, every.top1]


class Recorder(nn.Module):
    """Tells apart nothing and remembers what it was shown in training."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(CLASSES))
        self.batches = []

    def forward(self, x):
        if self.training:
            self.batches.append(x[:, 0, 0, 0].clone())
        return self.bias.expand(len(x), -1)


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own():
    values = torch.arange(10, dtype=torch.uint8)
    images = Images(values.view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous(), torch.arange(10) % CLASSES)
    data, model = data_of(images, images), Recorder()
    train(model, data, replace(RECIPE, batch_size=4, augment=False), seed=0, epochs=2)
    # 10 images, 4 at most: three batches, of 4, 3 and 3
    assert [len(batch) for batch in model.batches] == [4, 3, 3, 4, 3, 3]
    shown = torch.cat(model.batches) * data.std[0] * 255 + data.mean[0] * 255
    first, second = shown.round().int().view(2, 10).tolist()
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_augmentation_moves_images_unless_the_recipe_says_no():
    # One of the nine crops keeps the bright corner where it was; the others show black there.
    pixels = torch.zeros(32, 1, 4, 4, dtype=torch.uint8)
    pixels[:, :, 0, 0] = 255
    data = data_of(Images(pixels, torch.arange(32) % CLASSES), DATA.validation, padding=1)
    still, moved = Recorder(), Recorder()
    train(still, data, replace(RECIPE, augment=False), seed=0, epochs=1)
    train(moved, data, RECIPE, seed=0, epochs=1)
    assert torch.cat(still.batches).unique().numel() == 1
    assert torch.cat(moved.batches).unique().numel() == 2


@pytest.mark.parametrize(("smoothing", "pull"), [(0.0, 0.25), (0.2, 0.15)])
def test_one_step_is_gradient_descent_with_decay_on_every_parameter(smoothing, pull):
    # Logits (ln 3, 0) are chances (3/4, 1/4). All labels are class 0, so the gradient is (-1/4, 1/4); with smoothing
    # 0.2 the targets are (0.9, 0.1) and it is (-0.15, 0.15). Decay 0.1 adds 0.1 * (ln 3, 0), on a bias too.
    class Two(Recorder):
        def forward(self, x):
            return self.bias[:2].expand(len(x), -1)

    model = Two()
    model.bias.data[0] = math.log(3)
    images = Images(DATA.train.images[:16], torch.zeros(16, dtype=torch.int64))
    recipe = Recipe("one", "made up", 1, 16, 1.0, 0.0, 0.1, "cosine", label_smoothing=smoothing)
    train(model, data_of(images, images), recipe, seed=0)
    assert model.bias.tolist()[:2] == pytest.approx([math.log(3) * 0.9 + pull, -pull], abs=1e-6)


@pytest.mark.parametrize(("decay_norms", "left"), [(True, 0.9), (False, 1.0)])
def test_decay_falls_on_norms_and_biases_unless_the_recipe_spares_them(decay_norms, left):
    # No gradient reaches either parameter, so a rate of 1 and a decay of 0.1 leave nine tenths of what decays.
    class Untouched(Recorder):
        def __init__(self):
            super().__init__()
            self.matrix, self.vector = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))

        def forward(self, x):
            return self.bias.expand(len(x), -1) + 0 * (self.matrix.sum() + self.vector.sum())

    model = Untouched()
    recipe = Recipe("one", "made up", 1, 90, 1.0, 0.0, 0.1, "cosine", decay_norms=decay_norms)
    train(model, DATA, recipe, seed=0)
    assert model.matrix.unique().tolist() == pytest.approx([0.9])
    assert model.vector.unique().tolist() == pytest.approx([left])


class First(Recorder):
    """Logits are its bias alone, and every step adds to it: the same gradient each time."""

    def forward(self, x):
        return (self.bias - self.bias.detach()).expand(len(x), -1) if self.training else self.bias.expand(len(x), -1)


def test_averaged_weights_are_what_is_evaluated_and_kept():
    # Equal logits and labels of class 0 alone: a gradient of (-3/4, 1/4, ...), so without momentum step k leaves
    # k * 3/4 * rate in the first bias. Rate 0.4 throughout; windows of 4 of 4 steps average 1..4 to 2.5: 0.75.
    images = Images(DATA.train.images[:16], torch.zeros(16, dtype=torch.int64))
    recipe = Recipe("one", "made up", 2, 8, 0.4, 0.0, 0.0, "step", ema=0.9999, recalibration_images=16)
    model = First()
    result = train(model, data_of(images, images), recipe, seed=0)
    assert model.bias[0].item() == pytest.approx(0.75, rel=1e-4)
    assert result.loss == pytest.approx(math.log(1 + 3 * math.exp(-1.0)), rel=1e-4)  # 0.75 against -0.25
    plain = First()
    train(plain, data_of(images, images), replace(recipe, ema=0.0), seed=0)
    assert plain.bias[0].item() == pytest.approx(4 * 0.3)


def test_evaluation_of_averaged_weights_leaves_the_training_alone():
    recipe = replace(RECIPE, ema=0.3, recalibration_images=64)
    (a, every), (b, last) = trained(recipe=recipe), trained(recipe=recipe, evaluate_each_epoch=False)
    assert same_bits(a, b)
    assert every.loss == last.loss
    measured = measure(a, DATA.validation, DATA.mean, DATA.std)
    assert (measured.loss, measured.top1) == pytest.approx((every.loss, every.top1))


@pytest.mark.parametrize("change", [{"cutout": 0.25}, {"mixup": 0.4}])
def test_what_is_hidden_and_blended_depends_on_the_seed_alone(change):
    (a, _), (b, _), (plain, _) = (trained(recipe=replace(RECIPE, **more), epochs=1) for more in (change, change, {}))
    assert same_bits(a, b)
    assert not same_bits(a, plain)


def test_evaluation_of_a_model_that_knows_nothing():
    # Equal logits: the loss is ln 4, and the first class always wins. It has 3 of these 10 images; batches of 4, 4, 2.
    images = Images(DATA.train.images[:10], torch.tensor([0, 1, 2, 3, 0, 1, 2, 3, 0, 1]))
    model = Recorder()
    measured = measure(model, images, DATA.mean, DATA.std, batch_size=4)
    assert (measured.loss, measured.top1) == pytest.approx((1.386294, 0.3), abs=1e-6)
    assert model.training


def test_last_batch_is_never_a_single_image():
    # 5 images, 4 at most: dealt 3 and 2. A batch of one would fail in batch norm on a map of one pixel.
    small = replace(DATA, train=Images(DATA.train.images[:5], DATA.train.labels[:5]))
    train(build(TINY, seed=0), small, replace(RECIPE, batch_size=4), seed=0, epochs=1)


def test_single_image_is_refused():
    one = replace(DATA, train=Images(DATA.train.images[:1], DATA.train.labels[:1]))
    with pytest.raises(TrainingFailed, match="cannot train on 1 image: batch norm wants at least 2"):
        train(build(TINY, seed=0), one, RECIPE, seed=0)


def test_loss_that_is_not_finite_ends_with_the_reason():
    with pytest.raises(TrainingFailed) as caught:
        trained(recipe=replace(RECIPE, learning_rate=1e30))
    assert str(caught.value) == (
        "loss is not finite in epoch 1 of 3 with a learning rate of up to 1e+30 (recipe 'test'); try a lower one"
    )


class Failing(nn.Module):
    """Ends the first forward pass with the given error."""

    def __init__(self, error):
        super().__init__()
        self.weight, self.error = nn.Parameter(torch.zeros(1)), error

    def forward(self, x):
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_exhausted_memory_ends_with_the_reason(error):
    with pytest.raises(TrainingFailed, match="out of memory on cpu with batches of 16 images; take smaller"):
        train(Failing(error), DATA, RECIPE, seed=0)


def test_defects_keep_their_own_error():
    with pytest.raises(RuntimeError, match="a defect"):
        train(Failing(RuntimeError("a defect")), DATA, RECIPE, seed=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_missing_cuda_device_is_one_line():
    with pytest.raises(OptionError, match="there is no device 'cuda' here"):
        trained(device="cuda")


def test_negative_seed_is_refused():
    with pytest.raises(OptionError, match="a seed is a whole number of at least 0, got -1"):
        train(build(TINY, seed=0), DATA, RECIPE, seed=-1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_learns_on_cuda_and_leaves_its_generator_alone():
    before = torch.cuda.get_rng_state()
    model, result = trained(epochs=5, device="cuda")
    assert result.top1 >= 0.9
    assert torch.equal(torch.cuda.get_rng_state(), before)
    assert next(model.parameters()).is_cuda


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, ema=0.3, recalibration_images=64, cutout=0.25)])
def test_a_training_is_freed_when_it_is_let_go_without_waiting_for_the_cyclic_collector(recipe):
    model = build(TINY, dropout=recipe.dropout, seed=0)
    trainer = Trainer.of(model, DATA, recipe, 0, torch.device("cpu"))
    for _ in trainer.epoch(1):
        pass
    trainer.settle()
    left = [weakref.ref(thing) for thing in (trainer.fast, trainer.optimizer, model, trainer.fast.flat.storage)]
    gc.disable()
    try:
        del trainer, model
        assert [ref() for ref in left] == [None] * 4
    finally:
        gc.enable()


class Ended(Exception):
    """What a program's own function raises in a training."""


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, ema=0.3, recalibration_images=64)])
def test_a_training_that_breaks_off_leaves_the_model_as_its_last_step_did_in_tensors_of_its_own(recipe):
    def end(done, steps):
        if done == 4:
            raise Ended

    model = build(TINY, seed=0)
    with pytest.raises(Ended):
        train(model, DATA, recipe, seed=0, on_step=end)
    assert model.stem_bn.num_batches_tracked == 4
    assert not torch.equal(model.stem_bn.running_mean, torch.zeros(8))
    for tensor in model.state_dict().values():  # not views of a vector of all, which whoever saves one would save
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
    assert train(model, DATA, RECIPE, seed=0).top1 > 0.25  # it can be trained again


def test_frozen_parameters_stay_as_they_are():
    model = build(TINY, seed=0)
    model.stem.weight.requires_grad_(False)
    before, classifier = model.stem.weight.clone(), model.classifier.weight.clone()
    train(model, DATA, replace(RECIPE, recalibration_images=64), seed=0, epochs=1)
    assert torch.equal(model.stem.weight, before)
    assert not model.stem.weight.requires_grad
    assert not torch.equal(model.classifier.weight, classifier)
