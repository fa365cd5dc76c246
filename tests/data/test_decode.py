import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import load
from seesaw_nas.data.decode import decode, read


def save(path, pixels, **options):
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path, **options)
    return path


def halves(height, width):
    """Red on the left, blue on the right."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return pixels


def test_an_image_of_the_wanted_size_is_read_as_it_is(tmp_path):
    pixels = np.arange(3 * 16).reshape(4, 4, 3)
    assert np.array_equal(read(save(tmp_path / "a.png", pixels), 4), pixels.transpose(2, 0, 1))


def test_the_centre_of_a_wide_image_is_kept(tmp_path):
    # 8 high, 24 wide, three squares: only the middle one, green, is in the centre crop
    pixels = np.zeros((8, 24, 3))
    pixels[:, :8, 0], pixels[:, 8:16, 1], pixels[:, 16:, 2] = 255, 255, 255
    got = read(save(tmp_path / "wide.png", pixels), 8)
    assert (got[1] == 255).all()
    assert not got[[0, 2]].any()


def test_small_images_are_enlarged_and_large_jpegs_shrunk(tmp_path):
    small = read(save(tmp_path / "small.png", halves(4, 4)), 32)
    large = read(save(tmp_path / "large.JPG", halves(600, 800), quality=95), 32)
    for got in (small, large):
        assert got.shape == (3, 32, 32)
        assert got[0, 16, 4] > 240 > 15 > got[2, 16, 4]
        assert got[2, 16, 27] > 240 > 15 > got[0, 16, 27]


def test_a_photo_is_turned_upright_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # the orientation tag: turned by 180 degrees
    got = read(save(tmp_path / "turned.png", halves(8, 8), exif=exif), 8)
    assert got[2, 4, 0] == 255
    assert got[0, 4, 7] == 255


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "LA"])
def test_every_colour_mode_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    Image.fromarray(halves(8, 8)).convert(mode).save(path)
    assert read(path, 8).shape == (3, 8, 8)


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path):
    Image.fromarray(halves(8, 8)).convert("P").save(tmp_path / "x.png", transparency=bytes([0, 128]))
    assert read(tmp_path / "x.png", 8).shape == (3, 8, 8)


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".bmp", ".webp", ".PNG"])
def test_every_format_named_is_read(tmp_path, suffix):
    images, kept = decode([save(tmp_path / f"a{suffix}", halves(8, 8))], 4)
    assert images.dtype == torch.uint8
    assert images.shape == (1, 3, 4, 4)
    assert kept.tolist() == [0]


def many(tmp_path, good, bad):
    """``good`` readable images whose shade is their number, with ``bad`` damaged ones behind the first."""
    paths = [save(tmp_path / f"{i}.png", np.full((4, 4, 3), i)) for i in range(good)]
    broken = [tmp_path / f"broken{i}.png" for i in range(bad)]
    for path in broken:
        path.write_bytes(paths[0].read_bytes()[:40])
    return paths[:1] + broken + paths[1:]


def test_one_unreadable_image_in_a_hundred_is_named_and_skipped(tmp_path):
    paths = many(tmp_path, good=99, bad=1)
    with pytest.warns(UserWarning, match=rf"skipped: 1 of 100 images cannot be read: {paths[1]} \("):
        images, kept = decode(paths, 4)
    assert kept.tolist() == [0, *range(2, 100)]
    assert images[:, 0, 0, 0].tolist() == list(range(99))


def test_more_than_one_in_a_hundred_is_an_error(tmp_path):
    paths = many(tmp_path, good=98, bad=5)
    with pytest.raises(DataError) as error:
        decode(paths, 4)
    text = str(error.value)
    assert text.startswith(f"5 of 103 images cannot be read: {paths[1]} (")
    assert text.endswith("and 2 more; at most 1% may be, so repair or delete them")


def test_a_skipped_image_takes_its_label_with_it(tmp_path):
    for name, shade in (("dark", 10), ("light", 200)):
        (tmp_path / "train" / name).mkdir(parents=True)
        (tmp_path / "val" / name).mkdir(parents=True)
        for i in range(60):
            save(tmp_path / "train" / name / f"{i:02d}.png", np.full((4, 4, 3), shade + i % 3))
        save(tmp_path / "val" / name / "0.png", np.full((4, 4, 3), shade))
    (tmp_path / "train" / "dark" / "07.png").write_bytes(b"gone")
    with pytest.warns(UserWarning, match="skipped: 1 of 122"):
        data = load(str(tmp_path), image_size=4)
    assert data.train.labels.bincount().tolist() == [59, 60]
    assert torch.equal(data.train.images[:, 0, 0, 0] > 100, data.train.labels == 1)
    assert data.validation.labels.tolist() == [0, 1]
    assert data.validation.images[:, 0, 0, 0].tolist() == [10, 200]


def test_progress_counts_the_images(tmp_path):
    seen = []
    decode(many(tmp_path, good=3, bad=0), 4, lambda *report: seen.append(report))
    assert seen == [("reading images", 1, 3), ("reading images", 2, 3), ("reading images", 3, 3)]
