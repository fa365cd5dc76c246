"""Batched augmentation and normalisation, on the device where the images are.

The paper's recipe in its order: zero-pad, crop at random, mirror with probability one half, normalise by channel.
Padding comes before normalisation, so zero means black, not the channel's mean. Random numbers come from a generator on
the CPU, so every device sees the same images.

Source: Zhang 2019, arXiv:1905.03672, section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F


def crop(images: torch.Tensor, offsets: torch.Tensor, padding: int) -> torch.Tensor:
    """Each image moved within a black frame.

    Args:
        images: (N, C, H, W), uint8 or float.
        offsets: int64 (N, 2), row and column of the crop's corner in the padded image, each 0..2*padding; an image with
            offset ``padding`` in both stays as it is.
        padding: pixels added on every side.
    """
    height, width = images.shape[2:]
    padded = F.pad(images, (padding, padding, padding, padding))  # (N, C, H+2p, W+2p)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2p+1, 2p+1, H, W), a view
    each = torch.arange(len(images), device=images.device)
    return windows[each, :, offsets[:, 0], offsets[:, 1]]  # (N, C, H, W)


def flip(images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The images (N, C, H, W), mirrored left to right where the boolean ``mask`` (N,) says so."""
    return torch.where(mask[:, None, None, None], images.flip(3), images)


_mirrored = flip  # augment has an argument of that name


def normalise(images: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Float32 (N, C, H, W) with zero mean and unit deviation, from uint8.

    Args:
        mean, std: one number a channel, in units of 0..1.
    """
    assert images.dtype == torch.uint8, f"normalise wants uint8 images, got {images.dtype}"
    offset = 255 * torch.tensor(mean, dtype=torch.float32)
    scale = 255 * torch.tensor(std, dtype=torch.float32)
    offset, scale = (values.to(images.device, non_blocking=True).view(-1, 1, 1) for values in (offset, scale))
    return images.to(torch.float32).sub_(offset).div_(scale)


def augment(images: torch.Tensor, *, flip: bool, padding: int, generator: torch.Generator) -> torch.Tensor:
    """A random crop, and a mirroring with probability one half where ``flip`` holds, for every image by itself.

    Args:
        images: (N, C, H, W), uint8.
        padding: see :func:`crop`; 0 leaves the images in place.
        generator: on the CPU; it alone decides what is drawn.
    """
    offsets = torch.randint(0, 2 * padding + 1, (len(images), 2), generator=generator)
    images = crop(images, offsets.to(images.device, non_blocking=True), padding)
    if not flip:
        return images
    mask = torch.rand(len(images), generator=generator) < 0.5
    return _mirrored(images, mask.to(images.device, non_blocking=True))
