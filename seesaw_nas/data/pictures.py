"""Reads pictures as a person sees them: upright, on white, 8 bits a colour. Needs numpy and Pillow alone.

Training, `predict` and the exported ``example.py`` read by this one text, which becomes a part of that file; so nothing
of this package is imported here.

Deep pictures become 8 bits by their own range of values. Of integers (12-bit cameras keep theirs in 16 bits) it goes
from 0 to the largest number of the least of 8, 10, 12, 14 or 16 bits that holds all of them; of fractions from 0 to 1,
if all lie there; of any others from the lowest to the highest value of the picture.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from os import PathLike
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

MOST_PIXELS = 104_857_600  # 10,240 x 10,240; 420 MB in RGB
ALONE_PIXELS = 16_777_216  # pictures of more are decoded one at a time, whatever the number of threads and workers
COARSE = ("JPEG", "MPO")  # decoded at a fraction of their size where that is enough, so of four times as many pixels
UNREAD = {  # formats that Pillow opens, but decodes by another program or not at all
    "BUFR": "no decoder",
    "EPS": "a program for another program, Ghostscript",
    "GRIB": "no decoder",
    "HDF5": "no decoder",
    "MPEG": "a film",
    "WMF": "drawn by Windows alone",
}
DEPTHS = (8, 10, 12, 14, 16)  # bits that the values of a deep picture may have
SPREADING = 16  # a centre is cut before it is resized if the whole would be resized to more than this many squares
CHUNK = 1 << 20  # pixels of a deep picture that are scaled at a time
POINTER = b"version https://git-lfs.github.com/spec/"
PHOTOMETRIC = 262  # the tag of a TIFF that says which value is white
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableError(OSError):
    """A file that is not read as a picture; the message says why."""


class _Limits:
    """Pillow's process-wide switches as reading needs them, while any thread reads: cut files are errors, not grey."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._undo = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                self._set()

    def _set(self) -> None:
        self._undo.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", module="PIL")  # of damaged metadata in good pictures, and of many pixels
        self._undo.callback(setattr, ImageFile, "LOAD_TRUNCATED_IMAGES", ImageFile.LOAD_TRUNCATED_IMAGES)
        self._undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        ImageFile.LOAD_TRUNCATED_IMAGES = False
        Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2  # above twice as many Pillow raises

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if not self._readers:
                self._undo.close()


class Turns:
    """Whose turn it is to decode a large picture; ``lock`` may be one that several processes share."""

    lock: AbstractContextManager[Any] = threading.Lock()


_LIMITS = _Limits()


@contextmanager
def open_picture(path: str | PathLike[str]) -> Iterator[Image.Image]:
    """The picture in a file, not decoded yet; to be decoded, by :func:`show`, and cut before the context is left.

    Raises:
        UnreadableError: it has more than :data:`MOST_PIXELS`, or is a pointer to a file, or of a format not read.
        Exception: of almost any type, from Pillow's decoders for damaged files.
    """
    try:
        with _LIMITS, _identify(path) as image, _turn(image):
            yield image
    except Image.DecompressionBombError:
        raise UnreadableError(
            f"it has more than {MOST_PIXELS:,} pixels, the most that are read; make it smaller"
        ) from None


def _identify(path: str | PathLike[str]) -> Image.Image:
    try:
        image = Image.open(path)
    except UnidentifiedImageError:
        with open(path, "rb") as file:
            if file.read(len(POINTER)) == POINTER:
                text = "it is a pointer file of large-file storage, not the picture; fetch that with `git lfs pull`"
                raise UnreadableError(text) from None
        raise
    if image.format in UNREAD:
        image.close()
        raise UnreadableError(f"{image.format} is not read ({UNREAD[image.format]}); save it as PNG")
    if "transparency" in image.info and getattr(image, "tile", None):
        image.info["transparency"] = _as_decoded(image.info["transparency"], image.tile[0][3])
    return image


def _as_decoded(clear: Any, raw: object) -> Any:
    """The transparent colour, told in the depth of the file, in 8 bits as Pillow decodes pixels of the form ``raw``."""
    if isinstance(clear, int):
        return clear * {"L;2": 85, "L;4": 17}.get(str(raw), 1)
    if isinstance(clear, tuple) and raw == "RGB;16B":
        return tuple(value >> 8 for value in clear)
    return clear


@contextmanager
def _turn(image: Image.Image) -> Iterator[None]:
    """Wait until no other large picture is decoded, if this is one."""
    if image.width * image.height // (4 if image.format in COARSE else 1) <= ALONE_PIXELS:
        yield
        return
    with Turns.lock:
        if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
            trim(0)  # otherwise each thread keeps the memory of its last picture: 1.9 GB for 0.4 GB at a time
        yield


def orientation(image: Image.Image) -> int:
    """The picture's orientation tag, from 1, upright, to 8; 1 as well where its metadata are damaged."""
    if image.format not in COARSE:  # those of the others may stand behind the pixels
        image.load()
    try:
        tag = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata raise errors of almost any type
        return 1
    return int(tag) if tag in TURNS else 1


def show(image: Image.Image) -> Image.Image:
    """Decode an open picture, of any mode: upright, in RGB, what is transparent on white.

    Raises:
        UnreadableError: its values have no meaning as colours.
    """
    image.load()
    turn = TURNS.get(orientation(image))
    seen = _in_colour(image)
    return seen if turn is None else seen.transpose(turn)


def _in_colour(image: Image.Image) -> Image.Image:
    """The decoded picture in RGB."""
    clear = image.info.get("transparency")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _scale(image, clear)
    if image.mode == "LAB":
        return _from_lab(image)
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode in ("LA", "PA", "RGBA", "RGBa"):
        return _on_white(image)
    if clear is not None and image.mode in ("1", "L", "P", "RGB"):
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    seen = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(seen, mask=seen)
    return white


def _scale(image: Image.Image, clear: object) -> Image.Image:
    """A deep grey picture in 8 bits, by its own range of values; pixels of the value ``clear`` become white."""
    values = np.asarray(image).reshape(-1)  # (H * W,)
    low, high = _value_range(values)
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0:
        low, high = high, low  # a TIFF in which 0 is white, which Pillow heeds up to 8 bits alone
    grey = np.empty(len(values), np.uint8)
    for start in range(0, len(values), CHUNK):
        part = values[start : start + CHUNK].astype(np.float64)
        grey[start : start + CHUNK] = np.rint((part - low) * (255 / (high - low)))
        if isinstance(clear, int):
            grey[start : start + CHUNK][part == clear] = 255
    return Image.fromarray(grey.reshape(image.height, image.width)).convert("RGB")


def _value_range(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The values that become black and white."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise UnreadableError("it has values that are no numbers or not finite")
    tops = (1,) if values.dtype.kind == "f" else tuple((1 << bits) - 1 for bits in DEPTHS)
    fitting = [top for top in tops if low >= 0 and high <= top]
    return (0.0, float(fitting[0])) if fitting else (low, max(high, low + 1))


def _from_lab(image: Image.Image) -> Image.Image:
    try:
        from PIL import ImageCms

        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        seen = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    except ImportError:
        seen = None
    if seen is None:
        raise UnreadableError("its colours are LAB, which this Pillow cannot convert; save it in RGB")
    return seen


def read_square(path: str | PathLike[str], size: int, short_side: int) -> Image.Image:
    """The middle ``size`` x ``size`` pixels, in RGB, of the picture whose short side is resized to ``short_side``."""
    with open_picture(path) as image:
        image.draft("RGB", (2 * short_side, 2 * short_side))  # a JPEG without the detail that resizing would drop
        return cut_square(show(image), size, short_side)


def cut_square(image: Image.Image, size: int, short_side: int) -> Image.Image:
    """The middle ``size`` x ``size`` pixels of the picture whose short side is resized to ``short_side``."""
    if short_side == size:
        return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    scale = short_side / min(image.size)
    width, height = (max(short_side, round(length * scale)) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    if width * height > max(image.width * image.height, SPREADING * short_side**2):  # a strip: never in full length
        across, down = image.width / width, image.height / height
        box = (left * across, top * down, (left + size) * across, (top + size) * down)
        return image.resize((size, size), Image.Resampling.BICUBIC, box)
    resized = image if scale == 1 else image.resize((width, height), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))


def explain(error: Exception) -> str:
    """One line that says why a file could not be read."""
    text = getattr(error, "strerror", None) or str(error)
    kind = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return printable(" ".join(f"{kind}{text}".split()))


def printable(text: str) -> str:
    """The text with escapes for all that would not show: bytes that are no UTF-8, line ends, control characters."""
    return "".join(_escape(letter) for letter in text)


def _escape(letter: str) -> str:
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    if "\udc80" <= letter <= "\udcff":  # how Python keeps a byte of a file name that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
