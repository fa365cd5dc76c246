import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.data import augment, crop, flip, normalise


def arange_images(n=2, channels=3, height=4, width=5):
    """Distinct positive values, so that a moved pixel is known and black is only padding."""
    return (1 + torch.arange(n * channels * height * width).reshape(n, channels, height, width) % 255).to(torch.uint8)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_crop_moves_each_image_by_its_own_offset_and_fills_with_black(dtype):
    image = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=dtype)
    images = image.expand(3, 2, 3, 3)
    moved = crop(images, torch.tensor([[1, 1], [0, 0], [2, 1]]), padding=1)
    # offset (1, 1) is the middle; (0, 0) shows the frame above and to the left; (2, 1) the frame below
    assert moved[0, 0].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert moved[1, 1].tolist() == [[0, 0, 0], [0, 1, 2], [0, 4, 5]]
    assert moved[2, 0].tolist() == [[4, 5, 6], [7, 8, 9], [0, 0, 0]]
    assert moved.dtype == dtype


@given(row=st.integers(0, 6), column=st.integers(0, 6))
def test_a_crop_is_a_window_of_the_padded_image(row, column):
    image = arange_images(1)[0]
    framed = torch.zeros(3, 10, 11, dtype=torch.uint8)
    framed[:, 3:7, 3:8] = image
    moved = crop(image[None], torch.tensor([[row, column]]), padding=3)[0]
    assert torch.equal(moved, framed[:, row : row + 4, column : column + 5])


def test_a_flip_mirrors_left_to_right_where_the_mask_says():
    images = torch.tensor([1, 2, 3]).to(torch.uint8).expand(2, 1, 2, 3)
    mirrored = flip(images, torch.tensor([True, False]))
    assert mirrored[0, 0].tolist() == [[3, 2, 1], [3, 2, 1]]
    assert mirrored[1, 0].tolist() == [[1, 2, 3], [1, 2, 3]]


def test_normalise_takes_off_the_mean_and_divides_by_the_deviation_of_each_channel():
    images = torch.tensor([0, 255], dtype=torch.uint8).view(1, 2, 1, 1)
    # black in a channel of mean 0.5, std 0.25 is -2; white in a channel of mean 0.2, std 0.4 is (1 - 0.2) / 0.4 = 2
    normal = normalise(images, (0.5, 0.2), (0.25, 0.4))
    assert normal.dtype == torch.float32
    assert normal.flatten().tolist() == pytest.approx([-2.0, 2.0])


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
