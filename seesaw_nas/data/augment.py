"""Augmentation and normalisation of batches, on the device where the images are.

The order is the paper's: zero-pad, crop at random, mirror with probability one half, normalise by channel. Padding
comes before normalisation, so zero means black, not the channel's mean. Random numbers come from a generator on the
CPU, so every device sees the same images. Tables that are the same for every batch are made once per device.

Source: Zhang 2019, arXiv:1905.03672, section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.core.device import empty_channels_last

TABLES = 32  # cached tables of each kind; a run has a few data sets, sizes and devices
LARGEST = 2**21  # entries of a table for whole windows, which saves an operator; larger images use two smaller tables


def normalise(
    images: Tensor, mean: Sequence[float], std: Sequence[float], dtype: torch.dtype = torch.float32
) -> Tensor:
    """Normalise uint8 images (N, C, H, W) to zero mean and unit deviation, in the memory layout of the device.

    Args:
        mean, std: one number per channel, in units of 0..1.
        dtype: type that the float32 result is rounded to.
    """
    assert images.dtype == torch.uint8, f"normalise wants uint8 images, got {images.dtype}"
    offset, scale = _units(tuple(mean), tuple(std), images.device)
    centred = torch.sub(images, offset, out=empty_channels_last(images.shape, images.device))
    out = centred if dtype == torch.float32 else empty_channels_last(images.shape, images.device, dtype)
    return torch.div(centred, scale, out=out)


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _units(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Offset and scale of each channel in units of 0..255, (C, 1, 1) each."""
    offset, scale = (255 * torch.tensor(values, dtype=torch.float32) for values in (mean, std))
    return offset.view(-1, 1, 1).to(device), scale.view(-1, 1, 1).to(device)


def augment(images: Tensor, *, flip: bool, padding: int, generator: torch.Generator) -> Tensor:
    """Crop each image at random by itself, and mirror it with probability one half if ``flip``.

    Args:
        images: (N, C, H, W), uint8.
        padding: black pixels added on every side before the crop; 0 leaves the images in place.
        generator: generator on the CPU, the only source of random numbers.
    """
    windows = draw_windows(len(images), flip=flip, padding=padding, generator=generator)
    return cut_windows(images, windows.to(images.device), padding)


def draw_windows(n: int, *, flip: bool, padding: int, generator: torch.Generator) -> Tensor:
    """Draw windows of ``n`` images evenly, encoded by :func:`as_windows`; on average half are mirrored if ``flip``."""
    offsets = torch.randint(0, 2 * padding + 1, (n, 2), generator=generator)
    mirrored = torch.rand(n, generator=generator) < 0.5 if flip else torch.zeros(n, dtype=torch.bool)
    return as_windows(offsets, mirrored, padding)


def as_windows(offsets: Tensor, mirrored: Tensor, padding: int) -> Tensor:
    """Encode windows for :func:`cut_windows`: int64 (2, N), indices into its table for rows and for columns.

    Args:
        offsets: int64 (N, 2), row and column of the window's corner in the padded image, each 0..2*padding.
        mirrored: bool (N,), whether the window is mirrored left to right.
    """
    starts = 2 * padding + 1
    rows, columns = offsets.unbind(1)
    return torch.stack([rows, columns + starts * (1 + mirrored.long())])


def cut_windows(images: Tensor, windows: Tensor, padding: int) -> Tensor:
    """Cut a window of the original size out of each image (N, C, H, W), padded with ``padding`` black pixels.

    Args:
        images: uint8 or float.
        windows: result of :func:`as_windows`, on the images' device.
    """
    n, channels, height, width = images.shape
    padded = F.pad(images, (padding, padding, padding, padding)).flatten(2)  # (N, C, (H + 2p) * (W + 2p))
    pixels = 3 * (2 * padding + 1) ** 2 * height * width
    if pixels <= LARGEST:
        positions = _whole_positions(height, width, padding, images.device)[windows[0], windows[1]]  # (N, H * W)
    else:
        rows, columns = _positions(height, width, padding, images.device)[windows]  # (N, max(H, W)) each
        positions = rows[:, :height, None] + columns[:, None, :width]  # (N, H, W)
    each = positions.view(n, 1, height * width).expand(n, channels, height * width)
    return padded.gather(2, each).view(images.shape)


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _whole_positions(height: int, width: int, padding: int, device: torch.device) -> Tensor:
    """The sums of :func:`_positions`, by the indices for rows and for columns: (indices, indices, H * W)."""
    entries = _positions(height, width, padding, torch.device("cpu"))
    rows, columns = entries[: 2 * padding + 1, None, :height, None], entries[None, :, None, :width]
    return (rows + columns).flatten(2).to(device)


@lru_cache(maxsize=TABLES)
@torch.inference_mode(False)
def _positions(height: int, width: int, padding: int, device: torch.device) -> Tensor:
    """Positions of rows and columns in the flat padded image: int64 (3 * (2 * padding + 1), max(H, W)).

    The position of pixel (r, c) of a window is the r-th value of its row entry plus the c-th value of its column entry.
    The entries are: rows by offset, columns by offset, mirrored columns by offset.
    """
    offsets, along = torch.arange(2 * padding + 1)[:, None], torch.arange(max(height, width))
    rows, columns, mirrored = offsets + along, offsets + along, offsets + width - 1 - along
    return torch.cat([rows * (width + 2 * padding), columns, mirrored]).to(device)
