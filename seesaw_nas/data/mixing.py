"""What a recipe may do to a normalised batch: hide a square of each image, blend images in pairs.

On the device where the images are; what is drawn comes from a generator on the CPU, so every device does the same.

Source: DeVries and Taylor 2017, arXiv:1708.04552, for cutout; Zhang et al. 2017, arXiv:1710.09412, for mixup.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def cutout(images: Tensor, centres: Tensor, side: int) -> Tensor:
    """The images with a square set to 0, which is the channel's mean; what sticks out of the image hides nothing.

    Args:
        images: (N, C, H, W), normalised.
        centres: int64 (N, 2), row and column of each square's centre; of an even side, the pixel after it.
        side: in pixels.
    """
    rows, columns = (_covered(centres[:, i], images.shape[2 + i], side) for i in range(2))  # (N, H), (N, W)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def _covered(centres: Tensor, length: int, side: int) -> Tensor:
    """Which of ``length`` positions lie in each centre's stretch: (N, length)."""
    offset = torch.arange(length, device=centres.device) - centres[:, None] + side // 2
    return (offset >= 0) & (offset < side)


def mixup(images: Tensor, targets: Tensor, partners: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Each image and its target blended with those of a partner.

    Args:
        images: (N, C, H, W).
        targets: (N, classes), chances.
        partners: int64 (N,), the position of each image's partner.
        shares: float (N,), what remains of the image itself.
    """
    of_images, of_targets = shares[:, None, None, None], shares[:, None]
    blended = of_images * images + (1 - of_images) * images[partners]
    return blended, of_targets * targets + (1 - of_targets) * targets[partners]


def draw_cutout(images: Tensor, share: float, generator: np.random.Generator) -> Tensor:
    """:func:`cutout` around evenly drawn pixels, its side ``share`` of the image's longer one, at least a pixel."""
    height, width = images.shape[2:]
    centres = generator.integers(0, (height, width), (len(images), 2))
    return cutout(images, _placed(centres, images), max(1, round(share * max(height, width))))


def draw_mixup(
    images: Tensor, labels: Tensor, classes: int, alpha: float, generator: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """:func:`mixup` with partners drawn without repetition and shares from a beta distribution.

    Args:
        labels: int64 (N,).
        alpha: both parameters of that distribution.
    """
    partners = generator.permutation(len(images))
    shares = generator.beta(alpha, alpha, len(images)).astype(np.float32)
    targets = F.one_hot(labels, classes).to(images.dtype)  # (N, classes)
    return mixup(images, targets, _placed(partners, images), _placed(shares, images))


def _placed(drawn: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(drawn).to(like.device, non_blocking=True)
