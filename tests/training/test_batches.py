"""Batches: what is in them does not depend on how they are prepared, and preparing one takes few operators."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from seesaw_nas.data import Images, SearchData
from seesaw_nas.training.batches import draw_batches, prepare_batch
from seesaw_nas.training.recipes import recipe

VIEWS = {"view", "select", "slice", "unsqueeze", "expand", "unbind", "split", "as_strided", "_unsafe_view"}


def random_data(shape=(3, 8, 8), n=20):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 4, (n,), generator=generator))
    return SearchData.of("random", tuple("0123"), images, images, flip=True, padding=1)


RICH = replace(recipe("modern"), batch_size=5, epochs=2, cutout=0.25, mixup=0.3)


def written_out(data, wanted, seed, epoch):
    """The batches of an epoch by loops over images: positions, windows, squares and pairs as their draws say."""
    steps = len(data.train) // wanted.batch_size
    order_seed, *seeds = np.random.SeedSequence((seed, epoch)).generate_state(1 + 3 * steps).tolist()
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(order_seed)).split(5)
    mean, std = (255 * torch.tensor(values).view(3, 1, 1) for values in (data.mean, data.std))
    for i, positions in enumerate(order):
        generator = torch.Generator().manual_seed(seeds[3 * i])
        offsets, coins = torch.randint(0, 3, (5, 2), generator=generator), torch.rand(5, generator=generator)
        rng = np.random.default_rng(seeds[3 * i + 1])
        centres, partners = rng.integers(0, (8, 8), (5, 2)), rng.permutation(5)
        shares = rng.beta(0.3, 0.3, 5).astype(np.float32)
        images = []
        for at, (row, column), coin, (y, x) in zip(positions, offsets.tolist(), coins, centres, strict=True):
            framed = torch.zeros(3, 10, 10)
            framed[:, 1:9, 1:9] = data.train.images[at]
            image = framed[:, row : row + 8, column : column + 8]
            image = ((image.flip(2) if coin < 0.5 else image) - mean) / std
            image[:, max(0, y - 1) : y + 1, max(0, x - 1) : x + 1] = 0  # a quarter of 8 pixels, ending at the centre
            images.append(image)
        labels = [torch.eye(4)[label] for label in data.train.labels[positions]]
        for values in (images, labels):
            own, other = torch.from_numpy(shares), torch.from_numpy(1 - shares)
            yield torch.stack([own[k] * values[k] + other[k] * values[partners[k]] for k in range(5)])


def test_batches_are_to_the_bit_what_loops_over_their_draws_give():
    data = random_data()
    found = []
    for batch in draw_batches(data, RICH, 7, 2):
        assert batch.blend.shape == (4, 5)
        found += prepare_batch(data, RICH, batch.images, batch.labels, batch.blend)
    wanted = list(written_out(data, RICH, 7, 2))
    assert len(found) == len(wanted) == 8
    assert all(map(torch.equal, found, wanted))


class Operators(TorchDispatchMode):
    """Counts what is computed; a view is not."""

    def __init__(self):
        super().__init__()
        self.counts = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"cutout": 0.0, "mixup": 0.0}, {"empty": 1, "sub": 1, "div": 1}),
        ({"mixup": 0.0}, {"empty": 1, "sub": 1, "div": 1, "index": 1, "masked_fill_": 1}),
    ],
    ids=["normalised", "with a square hidden"],
)
def test_a_batch_is_made_ready_by_few_operators_and_without_new_constants(changes, most):
    data, wanted = random_data(), replace(RICH, **changes)
    first, second, *_ = draw_batches(data, wanted, 0, 1)
    prepare_batch(data, wanted, first.images, first.labels, first.blend)
    with Operators() as seen:
        prepare_batch(data, wanted, second.images, second.labels, second.blend)
    assert {name: n for name, n in seen.counts.items() if name not in VIEWS} == most


def test_what_hides_and_blends_nothing_has_nothing_drawn():
    plain = replace(RICH, cutout=0.0, mixup=0.0)
    assert {tuple(batch.blend.shape) for batch in draw_batches(random_data(), plain, 0, 1)} == {(0, 5)}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_s_batches_are_those_of_the_cpu_in_its_own_layout():
    here, there = random_data(), random_data().to("cuda")
    for a, b in zip(draw_batches(here, RICH, 0, 1), draw_batches(there, RICH, 0, 1), strict=True):
        x, targets = prepare_batch(here, RICH, a.images, a.labels, a.blend)
        y, same = prepare_batch(there, RICH, b.images, b.labels, b.blend)
        assert y.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(y.cpu(), x, check_stride=False)
        torch.testing.assert_close(same.cpu(), targets)
