import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seesaw_nas.data import crops
from seesaw_nas.data.crops import centre_crop, random_crop, random_part, short_side, shrink


class Drawn:
    """Numbers that a test has chosen, in place of random ones."""

    def __init__(self, *numbers):
        self._numbers = iter(numbers)

    def random(self):
        return next(self._numbers)


def draw_of_area(area):
    """What must be drawn for this share of the area: 8% at 0, all of it at 1."""
    return (area - 0.08) / 0.92


SQUARE = 0.5  # halfway between 3:4 and 4:3 on a logarithmic scale


def test_a_square_of_three_quarters_of_a_landscape_is_as_high_as_it():
    # 400 x 300: three quarters of the area are 90,000 pixels, a square of 300; 100 pixels are left for its place
    box = random_part(4 / 3, Drawn(draw_of_area(0.75), SQUARE, 0.2, 0.9))
    assert box == pytest.approx((20 / 400, 0, 320 / 400, 1))


def test_a_wide_part_of_a_portrait():
    # 300 x 400: a quarter of the area is 30,000 pixels; 4:3 of it 200 x 150; in the bottom right corner
    box = random_part(3 / 4, Drawn(draw_of_area(0.25), 1.0, 1.0, 1.0))
    assert box == pytest.approx((100 / 300, 250 / 400, 1, 1))


def test_a_part_that_does_not_fit_is_drawn_again():
    # the whole area as a square does not fit into 400 x 300; the quarter, 173 x 173, does, at the left top
    whole, quarter = (draw_of_area(1.0), SQUARE), (draw_of_area(0.25), SQUARE, 0.0, 0.0)
    side = 30_000**0.5
    assert random_part(4 / 3, Drawn(*whole, *quarter)) == pytest.approx((0, 0, side / 400, side / 300))


@pytest.mark.parametrize(
    ("aspect", "box"),
    [
        # 1000 x 100: no square of all of it; the centre of 4:3 is 133.3 x 100, and 866.7 are left on both sides
        (10, (433.333 / 1000, 0, 566.667 / 1000, 1)),
        # 100 x 1000: the centre of 3:4 is 100 x 133.3
        (0.1, (0, 433.333 / 1000, 1, 566.667 / 1000)),
        # 400 x 300 has a legal shape itself
        (4 / 3, (0, 0, 1, 1)),
    ],
)
def test_after_ten_draws_that_do_not_fit_the_centre_is_taken(aspect, box):
    misses = [draw_of_area(1.0), SQUARE] * 10
    assert random_part(aspect, Drawn(*misses)) == pytest.approx(box, abs=1e-6)


@given(st.floats(0.01, 100), st.integers(0, 2**32))
def test_every_part_lies_within_the_image_and_has_a_legal_shape(aspect, seed):
    left, top, right, bottom = random_part(aspect, np.random.default_rng(seed))
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    assert 0.75 - 1e-6 <= aspect * (right - left) / (bottom - top) <= 4 / 3 + 1e-6


@pytest.mark.parametrize(("size", "side"), [(224, 256), (128, 146), (64, 73), (32, 37)])
def test_the_short_side_of_a_test_image(size, side):
    assert short_side(size) == side  # size * 8 / 7: 256, 146.29, 73.14, 36.57


def columns(width, height):
    """An image whose red value tells the column, and its green one the row."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(width)[None]
    pixels[..., 1] = np.arange(height)[:, None]
    return Image.fromarray(pixels)


def test_the_centre_of_a_test_image_is_cut_out_to_the_pixel(tmp_path):
    columns(12, 8).save(tmp_path / "a.png")
    # for crops of 7 the short side is 8, as it is: of 12 columns go 2 at the left, 3 at the right, of 8 rows the last
    got = centre_crop(tmp_path / "a.png", 7)
    assert got[0, :, 0].tolist() == [2, 3, 4, 5, 6, 7, 8]
    assert got[:, 0, 1].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_a_crop_shows_the_part_that_was_drawn_and_may_be_mirrored(tmp_path, monkeypatch):
    columns(16, 8).save(tmp_path / "a.png")
    monkeypatch.setattr(crops, "random_part", lambda aspect, rng: (0.5, 0, 1, 1))  # the right half, 8 x 8
    straight = random_crop(tmp_path / "a.png", 8, Drawn(0.5), flip=True)
    mirrored = random_crop(tmp_path / "a.png", 8, Drawn(0.49), flip=True)
    assert straight[0, :, 0].tolist() == list(range(8, 16))
    assert mirrored[0, :, 0].tolist() == list(range(15, 7, -1))
    assert np.array_equal(random_crop(tmp_path / "a.png", 8, Drawn(), flip=False), straight)


def test_a_turned_photo_is_cropped_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: 16 x 8 on disk, 8 x 16 for a person
    columns(16, 8).save(tmp_path / "a.png", exif=exif)
    seen = []

    def whole(aspect, rng):
        seen.append(aspect)
        return 0, 0, 1, 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crops, "random_part", whole)
        got = random_crop(tmp_path / "a.png", 8, Drawn(), flip=False)
    assert seen == [0.5]
    assert got[0, 0, 0] < got[-1, 0, 0]  # what were columns run from top to bottom


def test_large_photos_are_shrunk_and_small_ones_left(tmp_path):
    columns(200, 100).save(tmp_path / "a.png")
    assert shrink(tmp_path / "a.png", 50).size == (100, 50)
    assert shrink(tmp_path / "a.png", 100).size == shrink(tmp_path / "a.png", 150).size == (200, 100)


def test_a_large_jpeg_decoded_with_less_detail_shows_the_same(tmp_path):
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8))
    coarse.resize((800, 600), Image.Resampling.BICUBIC).save(tmp_path / "a.jpg", quality=95)
    Image.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    rng = [np.random.default_rng(3) for _ in range(2)]
    jpeg, png = (
        random_crop(tmp_path / name, 32, r, flip=True) for name, r in zip(("a.jpg", "a.png"), rng, strict=True)
    )
    assert np.abs(jpeg.astype(int) - png).mean() < 1.5  # of 255; noise of the decoder
