"""Reading a picture: what a person sees, of every mode that Pillow opens; bounded memory; cut files are errors."""

import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile

from seesaw_nas.data import pictures
from seesaw_nas.data.pictures import UnreadableError, explain, open_picture, printable, read_square, show

WHITE, RED = (255, 255, 255), (255, 0, 0)


def seen(path):
    """The pixels that are read, (H, W, 3)."""
    with open_picture(path) as image:
        return np.asarray(show(image))


def left_half(mode, opaque, clear, size=(8, 4)):
    """A picture whose left half has the one value and whose right half has the other."""
    image = Image.new(mode, size, clear)
    image.paste(opaque, (0, 0, size[0] // 2, size[1]))
    return image


def assert_halves(pixels, left, right):
    assert pixels.shape == (4, 8, 3)
    assert (pixels[:, :4] == left).all(), pixels[0, 0]
    assert (pixels[:, 4:] == right).all(), pixels[0, 7]


# --- what is transparent shows white paper


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "tga", "ico", "jp2", "avif"])
def test_a_shape_in_alpha_alone_is_black_on_white(tmp_path, suffix):
    image = left_half("RGBA", (0, 0, 0, 255), (0, 0, 0, 0))
    image.save(tmp_path / f"x.{suffix}", **{"webp": {"lossless": True}, "avif": {"quality": 100}}.get(suffix, {}))
    pixels = seen(tmp_path / f"x.{suffix}")
    assert pixels[:, :3].max() < 10
    assert pixels[:, 5:].min() > 245


def test_half_transparent_red_is_pink(tmp_path):
    left_half("RGBA", (255, 0, 0, 51), (255, 0, 0, 255)).save(tmp_path / "x.png")
    # a fifth of red (255, 0, 0) on four fifths of white: 255, 204, 204
    assert_halves(seen(tmp_path / "x.png"), (255, 204, 204), RED)


def test_grey_with_alpha(tmp_path):
    left_half("LA", (100, 255), (100, 0)).save(tmp_path / "x.png")
    assert_halves(seen(tmp_path / "x.png"), (100,) * 3, WHITE)


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_the_transparent_colour_of_a_palette(tmp_path, suffix):
    image = left_half("P", 1, 2)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / f"x.{suffix}", transparency=2)
    assert_halves(seen(tmp_path / f"x.{suffix}"), RED, WHITE)


def test_the_alphas_of_a_palette(tmp_path):
    image = left_half("P", 1, 2)
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "x.png", transparency=bytes([9, 255, 0]))
    assert_halves(seen(tmp_path / "x.png"), RED, WHITE)


@pytest.mark.parametrize(
    ("mode", "opaque", "clear", "left"),
    [("1", 0, 255, (0, 0, 0)), ("L", 7, 90, (7, 7, 7)), ("RGB", RED, (1, 2, 3), RED), ("I;16", 65535, 300, WHITE)],
)
def test_one_colour_of_a_png_may_be_transparent(tmp_path, mode, opaque, clear, left):
    left_half(mode, opaque, clear).save(tmp_path / "x.png", transparency=clear)
    assert_halves(seen(tmp_path / "x.png"), left, WHITE)


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(depth, colour, rows, transparent):
    """A PNG of 8 x 4 pixels in a depth that Pillow does not write, with a transparent colour."""
    header = struct.pack(">IIBBBBB", 8, 4, depth, colour, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = (b"IHDR", header), (b"tRNS", transparent), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_a_transparent_colour_is_told_in_the_depth_of_the_file(tmp_path):
    # 2 bits a pixel: 3 (white) four times, 2 four times; 2 of 3 is 170 of 255, and transparent
    (tmp_path / "two.png").write_bytes(png(2, 0, [bytes([0b01010101, 0b10101010])] * 4, b"\0\2"))
    assert_halves(seen(tmp_path / "two.png"), (85,) * 3, WHITE)
    # 16 bits a colour
    row = b"\xff\xff\0\0\0\0" * 4 + b"\x12\x34\x56\x78\x9a\xbc" * 4
    (tmp_path / "deep.png").write_bytes(png(16, 2, [row] * 4, b"\x12\x34\x56\x78\x9a\xbc"))
    assert_halves(seen(tmp_path / "deep.png"), RED, WHITE)


@pytest.mark.parametrize(("mode", "colour"), [("La", (0, 255)), ("RGBa", (0, 0, 0, 255)), ("PA", (0, 255))])
def test_modes_that_are_only_in_memory(mode, colour):
    clear = (0,) * len(colour)
    image = Image.new(mode, (8, 4), clear)
    if mode == "PA":
        image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(colour, (0, 0, 4, 4))
    assert_halves(np.asarray(show(image)), (0, 0, 0), WHITE)


# --- depth


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1, 32896, 65535), (0, 0, 128, 255)),  # 16 bits: 257 values a step, 32,896 = 128 * 257
        ((0, 1000, 2000, 4095), (0, 62, 125, 255)),  # 12 bits: 16.06 values a step: 62.27 and 124.5
        ((0, 100, 200, 255), (0, 100, 200, 255)),  # 8 bits in 16
        ((5, 300, 600, 900), (1, 75, 150, 224)),  # 10 bits: 4.01 a step
    ],
)
def test_integers_are_scaled_by_the_least_depth_that_holds_them(tmp_path, suffix, values, expected):
    deep = np.array([values], dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / f"x.{suffix}")
    assert np.abs(seen(tmp_path / f"x.{suffix}")[0, :, 0].astype(int) - expected).max() <= (suffix == "pgm")


def test_the_other_order_of_bytes(tmp_path):
    image = Image.frombytes("I;16B", (4, 1), np.array([0, 1000, 2000, 4095], ">u2").tobytes())
    image.save(tmp_path / "x.tif")
    assert seen(tmp_path / "x.tif")[0, :, 1].tolist() == [0, 62, 125, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((-10, 0, 10, 20), (0, 85, 170, 255)),  # negative: from the lowest, a third of 255 a step
        ((0, 100_000, 200_000, 300_000), (0, 85, 170, 255)),  # more than 16 bits: to the highest
        ((7, 7, 7, 7), (7, 7, 7, 7)),
    ],
)
def test_whole_numbers_of_32_bits(tmp_path, values, expected):
    Image.fromarray(np.array([values], dtype=np.int32)).save(tmp_path / "x.tif")
    assert seen(tmp_path / "x.tif")[0, :, 2].tolist() == list(expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.0, 0.2, 0.4, 0.8), (0, 51, 102, 204)),  # from 0 to 1
        ((-1.0, 0.0, 1.0, 2.0), (0, 85, 170, 255)),
        ((100.0, 200.0, 300.0, 400.0), (0, 85, 170, 255)),
        ((3.0, 3.0, 3.0, 3.0), (0, 0, 0, 0)),  # one value has no range
    ],
)
def test_fractions(tmp_path, values, expected):
    Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "x.tif")
    assert seen(tmp_path / "x.tif")[0, :, 0].tolist() == list(expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_by_name(tmp_path, value):
    Image.fromarray(np.array([[0.5, value]], dtype=np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(UnreadableError, match="it has values that are no numbers or not finite"):
        seen(tmp_path / "x.tif")


# --- colours, frames, orientation


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "tif"), ("CMYK", "jpg"), ("YCbCr", "tif"), ("LAB", "tif")])
def test_other_colours_are_those_that_are_seen(tmp_path, mode, suffix):
    image = Image.new("RGB", (8, 4), (200, 30, 40))
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
    else:
        image = image.convert(mode)
    image.save(tmp_path / f"x.{suffix}")
    assert np.abs(seen(tmp_path / f"x.{suffix}").astype(int) - (200, 30, 40)).max() < 6


def test_hue_saturation_and_value():
    assert_halves(np.asarray(show(left_half("HSV", (0, 255, 255), (0, 0, 255)))), RED, WHITE)


@pytest.mark.parametrize("suffix", ["gif", "tif", "webp", "png"])
def test_of_many_frames_the_first_is_read(tmp_path, suffix):
    red, blue = (Image.new("RGB", (8, 4), colour) for colour in (RED, (0, 0, 255)))
    red.save(tmp_path / f"x.{suffix}", save_all=True, append_images=[blue])
    assert np.abs(seen(tmp_path / f"x.{suffix}").astype(int) - RED).max() < 6


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_deep_or_plain_picture_is_turned_upright(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn: 8 x 4 on disk, 4 x 8 for a person
    left_half("RGB", RED, WHITE).save(tmp_path / f"x.{suffix}", exif=exif)
    pixels = seen(tmp_path / f"x.{suffix}").astype(int)
    assert pixels.shape == (8, 4, 3)
    assert pixels[0, :, 1].max() < 60 < 200 < pixels[-1, :, 1].min()


def test_damaged_metadata_are_no_reason_to_leave_a_picture_out(tmp_path):
    left_half("RGB", RED, WHITE).save(tmp_path / "x.png", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert_halves(seen(tmp_path / "x.png"), RED, WHITE)


# --- what is not read says so


def test_a_pointer_file_is_told_as_one(tmp_path):
    (tmp_path / "x.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    with pytest.raises(UnreadableError, match="it is a pointer file of large-file storage, not the picture; fetch"):
        read_square(tmp_path / "x.png", 4, 4)


def test_a_drawing_for_another_program_is_not_run(tmp_path):
    (tmp_path / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    with pytest.raises(UnreadableError, match="EPS is not read"):
        read_square(tmp_path / "x.png", 4, 4)


@pytest.mark.parametrize("above", [1, 3])
def test_too_many_pixels_are_refused_in_our_own_words(tmp_path, monkeypatch, above):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    Image.new("L", (100, 10)).save(tmp_path / "fits.png")
    Image.new("L", (100 * above, 10 + above)).save(tmp_path / "large.png")
    assert read_square(tmp_path / "fits.png", 4, 4).size == (4, 4)
    with pytest.raises(UnreadableError) as error:
        read_square(tmp_path / "large.png", 4, 4)
    assert explain(error.value) == "it has more than 1,000 pixels, the most that are read; make it smaller"


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "tif", "bmp", "webp", "ppm", "jp2"])
def test_a_cut_file_is_an_error_whatever_pillow_was_told(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    rng = np.random.default_rng(0)
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for _ in range(2):
        with pytest.raises(Exception):  # noqa: B017, PT011 (decoders raise errors of almost any type)
            read_square(path, 8, 8)
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_pillow_s_own_limits_are_as_before_when_nothing_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 77)
    Image.new("L", (40, 40)).save(tmp_path / "x.png")  # 1,600 pixels
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda _: read_square(tmp_path / "x.png", 4, 4), range(20)))) == 20
    assert (Image.MAX_IMAGE_PIXELS, warnings.filters) == (77, before)


def test_large_pictures_are_decoded_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "ALONE_PIXELS", 100)
    Image.new("L", (40, 40)).save(tmp_path / "large.png")
    Image.new("L", (10, 10)).save(tmp_path / "small.png")
    inside = threading.Event()

    def read():
        with open_picture(tmp_path / "large.png"):
            inside.set()

    with open_picture(tmp_path / "large.png"):
        other = threading.Thread(target=read)
        other.start()
        with open_picture(tmp_path / "small.png"):
            assert not inside.is_set()
    other.join()
    assert inside.is_set()


# --- memory

MEASURE = """
import resource, sys
import numpy as np
from pathlib import Path
from seesaw_nas.data.crops import centre_crop, random_crop, shrink
from seesaw_nas.data.decode import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in map(Path, sys.argv[1:]):
    assert centre_crop(path, 224).shape == (224, 224, 3)
    assert random_crop(path, 224, np.random.default_rng(0), flip=True).shape == (224, 224, 3)
    assert read(path, 224).shape == (3, 224, 224)
    shrink(path, 256)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.thorough
def test_an_extreme_shape_takes_little_memory(tmp_path):
    sizes = [(12_000, 1), (1, 12_000), (3, 60_000), (60_000, 3)]
    paths = [tmp_path / f"{width}x{height}.png" for width, height in sizes]
    for path, size in zip(paths, sizes, strict=True):
        Image.new("RGB", size, RED).save(path)
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # 180,000 pixels are 0.7 MB in RGB; a whole strip of 12,000 x 1 at a short side of 256 was 3 GB
    assert int(done.stdout) < 100


AT_ONCE = """
import resource, sys
from pathlib import Path
from seesaw_nas.data import decode, pictures
decode.THREADS, pictures.ALONE_PIXELS = 6, 1_000_000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
decode.decode([Path(sys.argv[1])] * 6, 16)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="memory is given back on Linux")
def test_six_large_pictures_at_once_take_the_memory_of_one(tmp_path):
    Image.new("L", (3500, 3500)).save(tmp_path / "x.png", compress_level=1)
    command = [sys.executable, "-c", AT_ONCE, str(tmp_path / "x.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # 12 million pixels are 61 MB, grey and in RGB; two at the turn from one to the next; six are 370 MB
    assert int(done.stdout) < 180


@pytest.mark.parametrize("size", [(900, 6), (6, 900), (640, 6), (100, 6)])
def test_a_strip_shows_what_the_whole_would(size):
    coarse = np.random.default_rng(0).integers(0, 256, (size[1] // 3, size[0] // 3, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size)  # smooth: of noise Pillow's two orders of passes differ by more
    got = np.asarray(pictures.cut_square(image, 14, 16)).astype(int)
    width, height = (max(16, round(length * 16 / 6)) for length in size)
    left, top = (width - 14) // 2, (height - 14) // 2
    whole = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + 14, top + 14))
    assert np.abs(got - np.asarray(whole)).max() <= 1


def test_what_does_not_print_is_escaped():
    assert printable("grün 図 a b") == "grün 図 a b"
    assert printable("a\nb\x1b[31m\udcfc\u202e") == r"a\nb\x1b[31m\xfc\u202e"


def test_a_deep_tiff_in_which_0_is_white(tmp_path):
    Image.fromarray(np.array([[0, 1000, 65535]], np.uint16)).save(tmp_path / "x.tif", tiffinfo={262: 0})
    # 1,000 of 65,535 is 3.9 of 255
    assert seen(tmp_path / "x.tif")[0, :, 0].tolist() == [255, 251, 0]
