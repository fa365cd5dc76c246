import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.data import normalise
from seesaw_nas.data.augment import as_windows, augment, cut_windows


def arange_images(n=2, channels=3, height=4, width=5):
    """Distinct positive values, so that a moved pixel is known and black is only padding."""
    return (1 + torch.arange(n * channels * height * width).reshape(n, channels, height, width) % 255).to(torch.uint8)


def cut(images, offsets, mirrored, padding):
    return cut_windows(images, as_windows(torch.tensor(offsets), torch.tensor(mirrored), padding), padding)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_crop_moves_each_image_by_its_own_offset_and_fills_with_black(dtype):
    image = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=dtype)
    images = image.expand(3, 2, 3, 3)
    moved = cut(images, [[1, 1], [0, 0], [2, 1]], [False] * 3, padding=1)
    # offset (1, 1) is the middle; (0, 0) shows the frame above and to the left; (2, 1) the frame below
    assert moved[0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert moved[1, 1].tolist() == [[0, 0, 0], [0, 1, 2], [0, 4, 5]]
    assert moved[2, 0].tolist() == [[4, 5, 6], [7, 8, 9], [0, 0, 0]]
    assert moved.dtype == dtype


@given(row=st.integers(0, 6), column=st.integers(0, 6), size=st.sampled_from([(4, 5), (5, 4), (4, 4)]), mirrored=...)
def test_a_crop_is_a_window_of_the_padded_image(row: int, column: int, size: tuple[int, int], mirrored: bool):
    height, width = size
    image = arange_images(1, height=height, width=width)[0]
    framed = torch.zeros(3, height + 6, width + 6, dtype=torch.uint8)
    framed[:, 3 : 3 + height, 3 : 3 + width] = image
    moved = cut(image[None], [[row, column]], [mirrored], padding=3)[0]
    window = framed[:, row : row + height, column : column + width]
    assert torch.equal(moved, window.flip(2) if mirrored else window)


def test_an_image_is_mirrored_left_to_right_where_the_mask_says():
    images = torch.tensor([1, 2, 3]).to(torch.uint8).expand(2, 1, 2, 3)
    mirrored = cut(images, [[0, 0], [0, 0]], [True, False], padding=0)
    assert mirrored[0, 0].tolist() == [[3, 2, 1], [3, 2, 1]]
    assert mirrored[1, 0].tolist() == [[1, 2, 3], [1, 2, 3]]


def test_the_crop_comes_before_the_mirroring():
    images = torch.tensor([1, 2, 3]).to(torch.uint8).expand(1, 1, 1, 3)
    # the row in its frame is 0 1 2 3 0; from offset 2 on it shows 2 3 0
    assert cut(images, [[1, 2]], [True], padding=1).flatten().tolist() == [0, 3, 2]


def test_augment_shows_what_its_draws_say():
    # the draws, in this order: all offsets, rows and columns in turn, then a number an image, below 1/2 for mirrored
    images, generator = arange_images(40), torch.Generator().manual_seed(9)
    offsets, mirrored = torch.randint(0, 5, (40, 2), generator=generator), torch.rand(40, generator=generator) < 0.5
    moved = augment(images, flip=True, padding=2, generator=torch.Generator().manual_seed(9))
    for i in range(40):
        framed = torch.zeros(3, 8, 9, dtype=torch.uint8)
        framed[:, 2:6, 2:7] = images[i]
        row, column = offsets[i].tolist()
        window = framed[:, row : row + 4, column : column + 5]
        assert torch.equal(moved[i], window.flip(2) if mirrored[i] else window)


def test_normalise_takes_off_the_mean_and_divides_by_the_deviation_of_each_channel():
    images = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    # black in a channel of mean 0.5, std 0.25 is -2; white in a channel of mean 0.2, std 0.4 is (1 - 0.2) / 0.4 = 2
    normal = normalise(images, (0.5, 0.2), (0.25, 0.4))
    assert normal.dtype == torch.float32
    assert normal.flatten().tolist() == pytest.approx([-2.0, 2.0])


def test_normalise_subtracts_255_means_and_then_divides_by_255_deviations_in_float32():
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    wanted = [
        (torch.arange(256.0) - 255 * torch.tensor(m)) / (255 * torch.tensor(s)) for m, s in zip(mean, std, strict=True)
    ]
    assert torch.equal(normalise(images, mean, std)[0].flatten(1), torch.stack(wanted))


@pytest.mark.parametrize("first", [torch.no_grad, torch.inference_mode])
def test_constants_that_an_evaluation_made_first_serve_a_training(first):
    # inference_mode marks the tensors made in it, and autograd refuses these
    mean = (0.125 if first is torch.no_grad else 0.375,)
    with first():
        normalise(arange_images(channels=1), mean, (0.5,))
    x = normalise(arange_images(channels=1), mean, (0.5,)) * torch.ones(1, requires_grad=True)
    x.sum().backward()


def test_augment_repeats_with_its_generator_and_ignores_the_global_one():
    images = arange_images(64)

    def run(seed, global_seed):
        torch.manual_seed(global_seed)
        return augment(images, flip=True, padding=2, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(run(3, 0), run(3, 1))
    assert not torch.equal(run(3, 0), run(4, 0))


def test_augment_without_flip_and_padding_leaves_the_images_alone():
    images = arange_images()
    assert torch.equal(augment(images, flip=False, padding=0, generator=torch.Generator()), images)


def test_augment_draws_every_offset_and_mirrors_half_of_the_images():
    # One row of pixels 1 2 3 4 with padding 1: the crop shows 0123, 1234 or 2340, mirrored or not, or black rows.
    images = torch.tensor([1, 2, 3, 4]).to(torch.uint8).expand(9000, 1, 1, 4)
    moved = augment(images, flip=True, padding=1, generator=torch.Generator().manual_seed(0))
    rows = [tuple(row) for row in moved[:, 0, 0].tolist()]
    assert rows.count((0, 0, 0, 0)) / 9000 == pytest.approx(2 / 3, abs=0.03)  # 6 standard deviations
    for shift in ((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 0)):
        for row in (shift, shift[::-1]):
            assert rows.count(row) / 9000 == pytest.approx(1 / 18, abs=0.0145)  # 6 standard deviations


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_the_same_images_as_the_cpu():
    batch = arange_images(6)
    here = augment(batch, flip=True, padding=1, generator=torch.Generator().manual_seed(1))
    there = augment(batch.cuda(), flip=True, padding=1, generator=torch.Generator().manual_seed(1))
    assert there.is_cuda
    assert torch.equal(there.cpu(), here)
