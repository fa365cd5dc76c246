"""Crops of images that are decoded from their files each time.

Training uses a random part of random shape, evaluation the centre. Both resize bicubically, after turning the image
upright as :func:`seesaw_nas.data.pictures.show` does.

Source: Szegedy et al. 2015, arXiv:1409.4842, section 6, for the random part (8% to 100% of the area, 3:4 to 4:3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from seesaw_nas.data.pictures import open_picture, orientation, read_square, show

AREA = (0.08, 1.0)
RATIO = (3 / 4, 4 / 3)
ATTEMPTS = 10
SHORT_SIDE = 256 / 224  # short side of a resized test image, over the side of its crop
DETAIL = 2  # a JPEG is decoded at 1/2, 1/4 or 1/8 of its size if at least this many pixels remain per output pixel
LONGEST = 65_500  # pixels on a side that a JPEG can have
TURNED = (5, 6, 7, 8)  # values of the orientation tag that exchange width and height

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of width and height, so that a box fits an image at any resolution."""

Pixels = npt.NDArray[np.uint8]


class Uniform(Protocol):
    """A source of random numbers, uniform in [0, 1), such as :class:`numpy.random.Generator`."""

    def random(self) -> float: ...


def random_part(aspect: float, rng: Uniform) -> Box:
    """Draw a part of random area, shape and position; if ten draws do not fit, the largest legal centre is used.

    Args:
        aspect: the image's width divided by its height.
    """
    low, high = math.log(RATIO[0]), math.log(RATIO[1])
    for _ in range(ATTEMPTS):
        area = AREA[0] + (AREA[1] - AREA[0]) * rng.random()
        ratio = math.exp(low + (high - low) * rng.random())
        width, height = math.sqrt(area * ratio / aspect), math.sqrt(area * aspect / ratio)
        if width <= 1 and height <= 1:
            return _box_at(width, height, rng.random(), rng.random())
    ratio = min(max(aspect, RATIO[0]), RATIO[1])
    return _box_at(min(1.0, ratio / aspect), min(1.0, aspect / ratio), 0.5, 0.5)


def _box_at(width: float, height: float, x: float, y: float) -> Box:
    left, top = x * (1 - width), y * (1 - height)
    return left, top, min(1.0, left + width), min(1.0, top + height)


def short_side(size: int) -> int:
    """Length that the short side of a test image is resized to before its centre is cut out: 256 for 224."""
    return round(size * SHORT_SIDE)


def random_crop(path: Path, size: int, rng: Uniform, flip: bool) -> Pixels:
    """A random part of an image, (size, size, 3), mirrored with probability one half if ``flip``."""
    with open_picture(path) as image:
        left, top, right, bottom = _draft(image, size, lambda aspect: random_part(aspect, rng))
        seen = show(image)
        box = (left * seen.width, top * seen.height, right * seen.width, bottom * seen.height)
        pixels = np.asarray(seen.resize((size, size), Image.Resampling.BICUBIC, box))
    return pixels[:, ::-1] if flip and rng.random() < 0.5 else pixels


def centre_crop(path: Path, size: int) -> Pixels:
    """The centre of an image whose short side is resized to :func:`short_side`, (size, size, 3)."""
    return np.asarray(read_square(path, size, short_side(size)))


def shrink(path: Path, side: int) -> Image.Image:
    """The image upright, in RGB, its short side resized to ``side`` if it is longer.

    It is whole, unless one side is too long for a JPEG; then it is the middle, which random parts are taken from of any
    image so thin.
    """
    with open_picture(path) as image:
        _draft(image, side, lambda _: (0.0, 0.0, 1.0, 1.0))
        seen = show(image)
    scale = side / min(seen.size)
    if scale < 1:
        width, height = (max(side, round(length * scale)) for length in seen.size)
        seen = seen.resize((width, height), Image.Resampling.BICUBIC)
    over = [max(0, length - LONGEST) // 2 for length in seen.size]
    return seen.crop((over[0], over[1], seen.width - over[0], seen.height - over[1])) if any(over) else seen


def _draft(image: Image.Image, size: int, choose: Callable[[float], Box]) -> Box:
    """Choose a part of an open image, to be decoded with enough detail to show it at ``size`` x ``size`` pixels.

    Args:
        choose: returns the part for an aspect ratio.
    """
    turned = orientation(image) in TURNED
    width, height = reversed(image.size) if turned else image.size
    part = choose(width / height)
    least = (math.ceil(DETAIL * size / (part[2] - part[0])), math.ceil(DETAIL * size / (part[3] - part[1])))
    image.draft("RGB", least[::-1] if turned else least)
    return part
