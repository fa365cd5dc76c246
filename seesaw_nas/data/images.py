"""Images with labels, in memory or streamed from disk, and the part of a data set that a search may use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch

from seesaw_nas.core.device import send
from seesaw_nas.core.errors import DataError
from seesaw_nas.core.files import is_utf8
from seesaw_nas.data import splits
from seesaw_nas.data.augment import cut_windows, draw_windows
from seesaw_nas.data.unread import NOTHING, PassedOver

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images, uint8 (n, C, H, W), and their labels, int64 (n,), on one device."""

VALUES = torch.arange(256, dtype=torch.float64) / 255  # possible values of a pixel, in units of 0..1

DrawnBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""A :data:`Batch` for a step, with :attr:`Draw.extra`, int64 (k, n), on the same device."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Description of one batch of a training.

    Attributes:
        positions: positions of the images, int64 (n,) on the CPU.
        seed: seed for everything random in their augmentation; ``None`` for no augmentation.
        extra: further values for the batch, int64 (k, n) on the CPU, which are sent to the device with it.
    """

    positions: torch.Tensor
    seed: int | None
    extra: torch.Tensor


class Split(Protocol):
    """Labelled images of one split: :class:`Images` in memory, or :class:`seesaw_nas.data.Streamed` from disk."""

    @property
    def labels(self) -> torch.Tensor:
        """Labels, int64 (N,), on the device."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (C, H, W)."""

    @property
    def short_side(self) -> int:
        """Short side of a picture, in pixels, after it is resized for evaluation and before its centre is cut out."""

    def __len__(self) -> int: ...

    def to(self, device: torch.device | str) -> Self:
        """The same images on a device."""

    def take(self, positions: splits.Indices) -> Self:
        """The images at these positions, in this order."""

    def join(self, other: Self) -> Self:
        """These images, and after them those of another split of the data set."""

    def batches(self, draws: Sequence[Draw], *, flip: bool, padding: int) -> Iterator[DrawnBatch]:
        """See :meth:`SearchData.batches`."""

    def batches_in_order(self, batch_size: int) -> Iterator[Batch]:
        """All images as they are evaluated, in batches of at most this size."""

    def first(self, n: int) -> torch.Tensor:
        """The first ``n`` images without augmentation, or all if there are fewer: uint8, (n, C, H, W)."""

    def in_memory(self) -> Images:
        """All images as they are evaluated."""

    def for_statistics(self) -> Images:
        """The images that channel statistics are computed from."""

    @property
    def prefetched(self) -> int:
        """The most batches that are prepared while one is used."""


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Labelled images in memory, on one device.

    Attributes:
        images: uint8, (N, C, H, W).
        labels: int64, (N,), the position of the class among the data set's classes.
    """

    images: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            got = f"{self.images.dtype} of shape {tuple(self.images.shape)}"
            raise DataError(f"images are uint8 of shape (N, C, H, W), got {got}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            got = f"{self.labels.dtype} of shape {tuple(self.labels.shape)}"
            raise DataError(f"labels are int64 of shape ({len(self.images)},), one an image, got {got}")

    @property
    def short_side(self) -> int:
        """The height: these images are already cropped."""
        return self.shape[1]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> Images:
        """The same images on a device."""
        return Images(self.images.to(device), self.labels.to(device))

    def batches(self, draws: Sequence[Draw], *, flip: bool, padding: int) -> Iterator[DrawnBatch]:
        """The images of each draw, augmented as in :func:`seesaw_nas.data.augment.augment`.

        Positions and all drawn numbers of a batch are sent to the device in one copy.
        """
        for draw, labels in zip(draws, self._labels_of(draws), strict=True):
            rows = [draw.positions[None], draw.extra]
            if draw.seed is not None:
                generator = torch.Generator().manual_seed(draw.seed)
                rows.append(draw_windows(len(draw.positions), flip=flip, padding=padding, generator=generator))
            sent = send(torch.cat(rows), self.labels.device)  # (1 + k, n) or (3 + k, n)
            images = self.images.index_select(0, sent[0])
            if draw.seed is not None:
                images = cut_windows(images, sent[-2:], padding)
            yield images, labels, sent[1 : 1 + len(draw.extra)]

    def _labels_of(self, draws: Sequence[Draw]) -> tuple[torch.Tensor, ...]:
        """The labels of each batch, gathered with one operator for all batches."""
        if not draws:
            return ()
        positions = [draw.positions for draw in draws]
        labels = self.labels.index_select(0, send(torch.cat(positions), self.labels.device))
        return labels.split_with_sizes([len(own) for own in positions])

    def batches_in_order(self, batch_size: int) -> Iterator[Batch]:
        """All images as they are, in batches of this size, the last one perhaps smaller."""
        for start in range(0, len(self), batch_size):
            yield self.images[start : start + batch_size], self.labels[start : start + batch_size]

    def first(self, n: int) -> torch.Tensor:
        """The first ``n`` images, or all if there are fewer: uint8, (n, C, H, W)."""
        return self.images[:n]

    def take(self, positions: splits.Indices) -> Images:
        """A copy of the images at these positions, in this order."""
        chosen = torch.from_numpy(positions).to(self.labels.device)
        return Images(self.images[chosen], self.labels[chosen])

    def join(self, other: Images) -> Images:
        """A copy of these images, and after them of the others."""
        return Images(torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels]))

    def in_memory(self) -> Images:
        """These images."""
        return self

    def for_statistics(self) -> Images:
        """All images."""
        return self

    @property
    def prefetched(self) -> int:
        """0: nothing is prepared in advance."""
        return 0


@dataclass(frozen=True, slots=True, eq=False)
class SearchData:
    """The part of a data set that a search uses; without the test split.

    Attributes:
        name: name by which :func:`seesaw_nas.data.load` loads it again.
        classes: names of the classes, in the order of the labels.
        mean, std: mean and deviation per channel over the pixels of ``train``, in units of 0..1; over a fixed sample of
            them if the images are streamed.
        flip: whether a mirrored image still belongs to its class.
        padding: padding before the random crop, in pixels on every side; 0 for streamed images, which are cropped from
            their files.
        passed_over: what of its folder is not read.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    padding: int
    passed_over: PassedOver = NOTHING

    def __post_init__(self) -> None:
        for name in self.classes:
            if not is_utf8(name):
                raise DataError(
                    f"the class name {name!a} is not UTF-8, so no file of a run can hold it; rename the class"
                )

    @classmethod
    def of(
        cls,
        name: str,
        classes: tuple[str, ...],
        train: Split,
        validation: Split,
        *,
        flip: bool,
        padding: int,
        passed_over: PassedOver = NOTHING,
    ) -> SearchData:
        """The data set with the channel statistics of its training images."""
        mean, std = channel_statistics(train.for_statistics())
        return cls(name, classes, train, validation, mean, std, flip, padding, passed_over)

    def batches(self, draws: Sequence[Draw]) -> Iterator[DrawnBatch]:
        """The training images of each draw, on the device, cropped and mirrored at random by the draw's seed.

        A batch depends on its own draw only, so an epoch can start at any batch.
        """
        return self.train.batches(draws, flip=self.flip, padding=self.padding)

    @property
    def input(self) -> tuple[int, int, int]:
        """Shape of one image: (C, H, W)."""
        return self.train.shape

    def to(self, device: torch.device | str) -> SearchData:
        """The same data with all images on a device."""
        return replace(self, train=self.train.to(device), validation=self.validation.to(device))


def channel_statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all pixels of all images, in units of 0..1.

    Raises:
        DataError: there are no images, or a channel is constant, so it cannot be normalised.
    """
    if not len(images):
        raise DataError("there are no training images to take the channel means of")
    means, stds = [], []
    for channel, shares in enumerate(_shares_of_values(images)):
        if shares.count_nonzero() == 1:
            raise DataError(
                f"channel {channel} has one value in all {len(images):,} training images and cannot be normalised; "
                f"check the images"
            )
        mean = (shares * VALUES).sum()
        means.append(mean.item())
        stds.append((shares * (VALUES - mean) ** 2).sum().sqrt().item())
    return tuple(means), tuple(stds)


def channel_means(images: Images) -> tuple[float, ...]:
    """Mean of each channel over all pixels of all images, in units of 0..1; 0 without images."""
    return tuple((shares * VALUES).sum().item() for shares in _shares_of_values(images))


def _shares_of_values(images: Images) -> Iterator[torch.Tensor]:
    """For each channel, the share of its pixels that has each of the 256 values: float64 (256,), on the CPU.

    Counting is exact and needs no float copy of the data set, which would be four times its size.
    """
    for channel in range(images.images.shape[1]):
        counts = torch.bincount(images.images[:, channel].flatten(), minlength=256).cpu()
        yield counts.double() / counts.sum().clamp_min(1)
