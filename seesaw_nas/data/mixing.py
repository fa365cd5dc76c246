"""Cutout and mixup of a normalised batch: hide a square of each image, blend images in pairs.

Both run on the device where the images are. Random numbers come from a generator on the CPU, so every device does the
same; they are encoded as rows of int64, one column per image, which are sent to the device in one copy. Tables that are
the same for every batch are made once per device.

Source: DeVries and Taylor 2017, arXiv:1708.04552, for cutout; Zhang et al. 2017, arXiv:1710.09412, for mixup.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seesaw_nas.data.augment import LARGEST, TABLES

Rows = npt.NDArray[np.int64]
_HIDDEN, _SEEN = 1, (2, 3)  # codes of a row and of a column; a pixel is hidden if its row and column have one code


def draw_squares(n: int, size: tuple[int, int], generator: np.random.Generator) -> Rows:
    """Draw the centres of ``n`` squares evenly over images of ``size`` (H, W), encoded by :func:`as_squares`."""
    return as_squares(generator.integers(0, size, (n, 2)), size[0])


def as_squares(centres: Rows, height: int) -> Rows:
    """Encode squares for :func:`cutout`: (2, N), indices into its table for rows and for columns.

    Args:
        centres: (N, 2), row and column of each square's centre; if the side is even, of the pixel after the centre.
        height: height of the images, in pixels.
    """
    return np.stack([centres[:, 0], centres[:, 1] + height])


def cutout(images: Tensor, squares: Tensor, share: float) -> Tensor:
    """Set a square of each image to 0, which is the channel's mean; a square may reach beyond the image's edge.

    Args:
        images: (N, C, H, W), normalised; changed in place.
        squares: result of :func:`as_squares`, on the images' device.
        share: side of the square as a share of the image's longer side; the square has at least one pixel.
    """
    height, width = images.shape[2:]
    side = max(1, round(share * max(height, width)))
    if height * (height + width) * height * width <= LARGEST:
        hidden = _wholly_covered(height, width, side, images.device)[squares[0], squares[1]]  # (N, 1, H, W)
    else:
        rows, columns = _covered(height, width, side, images.device)[squares]  # (N, max(H, W)) each
        hidden = rows[:, None, :height, None] == columns[:, None, None, :width]
    return images.masked_fill_(hidden, 0)


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _wholly_covered(height: int, width: int, side: int, device: torch.device) -> Tensor:
    """Which pixels a square covers, by its two indices into :func:`_covered`: bool (H, H + W, 1, H, W)."""
    codes = _covered(height, width, side, torch.device("cpu"))
    return (codes[:height, None, None, :height, None] == codes[None, :, None, None, :width]).to(device)


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _covered(height: int, width: int, side: int, device: torch.device) -> Tensor:
    """Which rows a square covers, for each row of its centre, then likewise columns: codes (H + W, max(H, W))."""
    along = torch.arange(max(height, width))
    codes = []
    for length, seen in zip((height, width), _SEEN, strict=True):
        offset = along - torch.arange(length)[:, None] + side // 2
        codes.append(torch.where((offset >= 0) & (offset < side), _HIDDEN, seen))
    return torch.cat(codes).to(torch.uint8).to(device)


def draw_pairs(n: int, alpha: float, generator: np.random.Generator) -> Rows:
    """Draw partners of ``n`` images without repetition, and shares from a beta distribution; see :func:`as_pairs`.

    Args:
        alpha: both parameters of the beta distribution.
    """
    partners = generator.permutation(n)
    return as_pairs(partners, generator.beta(alpha, alpha, n).astype(np.float32))


def as_pairs(partners: Rows, shares: npt.NDArray[np.float32]) -> Rows:
    """Encode pairs for :func:`mixup`: (2, N), each image's partner, and the shares as bits.

    Args:
        partners: (N,), the position of each image's partner.
        shares: (N,), the weight of the image itself in the blend.
    """
    return np.stack([partners, np.concatenate([shares, 1 - shares]).view(np.int64)])


def mixup(images: Tensor, labels: Tensor, classes: int, pairs: Tensor) -> tuple[Tensor, Tensor]:
    """Blend each image with its partner; returns images and class probabilities (N, classes) in the same shares.

    Args:
        images: (N, C, H, W).
        labels: int64 (N,).
        pairs: result of :func:`as_pairs`, on the images' device.
    """
    partners, (own, other) = pairs[0], pairs[1].view(torch.float32).view(2, -1, 1)  # (N,), (N, 1) each
    targets = _certain(classes, images.dtype, images.device)[labels]  # (N, classes)
    blended = (images * own[:, :, None, None]).add_(images[partners].mul_(other[:, :, None, None]))
    return blended, (targets * own).add_(targets[partners].mul_(other))


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _certain(classes: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The class probabilities of each label: (classes, classes)."""
    return torch.eye(classes, dtype=dtype, device=device)
