"""Images with labels, in memory or wherever they are, and what a search may see of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

import torch

from seesaw_nas.data import splits
from seesaw_nas.data.augment import cut_windows, draw_windows
from seesaw_nas.device import send
from seesaw_nas.errors import DataError, SpecError
from seesaw_nas.spec import Architecture

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images, uint8 (n, C, H, W), and their labels, int64 (n,), on one device."""

DrawnBatch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""A :data:`Batch` for a step, and what was drawn for it elsewhere, int64 (k, n), on the same device."""


class Split(Protocol):
    """Labelled images of one split: :class:`Images`, or :class:`seesaw_nas.data.Streamed` where they stay on disk."""

    @property
    def labels(self) -> torch.Tensor:
        """int64, (N,), on the device."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (C, H, W)."""

    @property
    def short_side(self) -> int:
        """Of a picture when it is resized for an evaluation, which then shows its centre; in pixels."""

    def __len__(self) -> int: ...

    def to(self, device: torch.device | str) -> Self:
        """The same images on a device."""

    def take(self, positions: splits.Indices) -> Self:
        """The images at these positions, in this order."""

    def dealt(
        self,
        order: Iterable[torch.Tensor],
        *,
        augmented: bool,
        flip: bool,
        padding: int,
        seeds: Iterable[int],
        along: Iterable[torch.Tensor],
    ) -> Iterator[DrawnBatch]:
        """What :meth:`SearchData.dealt` passes on."""

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """All images as they are evaluated, in batches of at most this size."""

    def first(self, n: int) -> torch.Tensor:
        """The first ``n`` images as they are evaluated, or all where there are fewer: uint8, (n, C, H, W)."""

    def in_memory(self) -> Images:
        """All images as they are evaluated."""

    def for_statistics(self) -> Images:
        """The images whose channel statistics stand for those of all."""

    @property
    def ahead(self) -> int:
        """Batches that are prepared while one is used, at most."""


AnySplit = TypeVar("AnySplit", bound=Split)


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
        """The height: these pictures were resized to what is shown."""
        return self.shape[1]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image: (C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def to(self, device: torch.device | str) -> Images:
        """The same images on a device."""
        return Images(self.images.to(device), self.labels.to(device))

    def dealt(
        self,
        order: Iterable[torch.Tensor],
        *,
        augmented: bool,
        flip: bool,
        padding: int,
        seeds: Iterable[int],
        along: Iterable[torch.Tensor],
    ) -> Iterator[DrawnBatch]:
        """The images at the positions of each batch; :func:`augment` says how they are augmented.

        Positions and all that is drawn go to the device in one copy a batch.
        """
        order = list(order)
        labels = self._labels_of(order)
        for chosen, own, seed, drawn in zip(order, labels, seeds, along, strict=True):
            rows = [chosen[None], drawn]
            if augmented:
                generator = torch.Generator().manual_seed(seed)
                rows.append(draw_windows(len(chosen), flip=flip, padding=padding, generator=generator))
            sent = send(torch.cat(rows), self.labels.device)  # (1 + k, n) or (3 + k, n)
            images = self.images.index_select(0, sent[0])
            if augmented:
                images = cut_windows(images, sent[-2:], padding)
            yield images, own, sent[1 : 1 + len(drawn)]

    def _labels_of(self, order: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The labels at the positions of each batch, gathered all at once."""
        if not order:
            return ()
        labels = self.labels.index_select(0, send(torch.cat(list(order)), self.labels.device))
        return labels.split_with_sizes([len(chosen) for chosen in order])

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """All images as they are, in batches of this size, the last one perhaps smaller."""
        for start in range(0, len(self), batch_size):
            yield self.images[start : start + batch_size], self.labels[start : start + batch_size]

    def first(self, n: int) -> torch.Tensor:
        """The first ``n`` images, or all where there are fewer: uint8, (n, C, H, W)."""
        return self.images[:n]

    def take(self, positions: splits.Indices) -> Images:
        """A copy of the images at these positions, in this order."""
        chosen = torch.from_numpy(positions).to(self.labels.device)
        return Images(self.images[chosen], self.labels[chosen])

    def in_memory(self) -> Images:
        """These images."""
        return self

    def for_statistics(self) -> Images:
        """All images."""
        return self

    @property
    def ahead(self) -> int:
        """None: a batch is taken when it is wanted."""
        return 0


@dataclass(frozen=True, slots=True, eq=False)
class SearchData:
    """All that a search sees of a data set; the test split is not in it.

    Attributes:
        name: what :func:`seesaw_nas.data.load` reads again.
        classes: their names, in the order of the labels.
        mean, std: per channel over the pixels of ``train``, in units of 0..1; of a fixed sample where it is streamed.
        flip: whether a mirrored image is still one of its class.
        padding: of the random crop, in pixels on every side; 0 where the images are streamed, which are cropped from
            their files.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    padding: int

    @classmethod
    def of(
        cls, name: str, classes: tuple[str, ...], train: Split, validation: Split, *, flip: bool, padding: int
    ) -> SearchData:
        """The data set with the channel statistics of its training images."""
        mean, std = channel_statistics(train.for_statistics())
        return cls(name, classes, train, validation, mean, std, flip, padding)

    def dealt(
        self,
        order: Iterable[torch.Tensor],
        *,
        augmented: bool,
        seeds: Iterable[int],
        along: Iterable[torch.Tensor],
    ) -> Iterator[DrawnBatch]:
        """The training images at the positions that each batch of ``order`` holds, on the device.

        A batch depends on its positions and its seed alone, so an epoch can be dealt from any batch on.

        Args:
            order: int64 (n,) on the CPU, one a batch.
            augmented: whether each is cropped at random and, where ``flip`` holds, perhaps mirrored.
            seeds: one a batch, of everything random in it.
            along: int64 (k, n) on the CPU, one a batch, which arrive with its images.
        """
        return self.train.dealt(
            order, augmented=augmented, flip=self.flip, padding=self.padding, seeds=seeds, along=along
        )

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
        DataError: there are no images, or a channel has one value everywhere, so it cannot be normalised.
    """
    if not len(images):
        raise DataError("there are no training images to take the channel means of")
    value = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.images.shape[1]):
        # Counting the 256 values is exact and needs no float copy of the data set, which would be four times its size.
        counts = torch.bincount(images.images[:, channel].flatten(), minlength=256).cpu()
        if counts.count_nonzero() == 1:
            raise DataError(
                f"channel {channel} has one value in all {len(images):,} training images: they show nothing"
            )
        share = counts.double() / counts.sum()
        mean = (share * value).sum()
        means.append(mean.item())
        stds.append((share * (value - mean) ** 2).sum().sqrt().item())
    return tuple(means), tuple(stds)


def subset(images: AnySplit, n: int, seed: int) -> AnySplit:
    """``n`` of the images, every class in proportion, in their order; the smaller of two subsets lies in the larger.

    Args:
        seed: 0 or more.

    Raises:
        DataError: ``n`` is not between 1 and the number of images.
    """
    if not 1 <= n <= len(images):
        raise DataError(f"cannot take {n:,} images: there are {len(images):,}; ask for 1 to {len(images):,}")
    return images.take(splits.draw(images.labels.cpu().numpy(), n, seed))


def check_fits(architecture: Architecture, data: SearchData) -> None:
    """Refuse an architecture that these images cannot train.

    Raises:
        SpecError: it wants other images or another number of classes than the data have.
    """
    if architecture.input != data.input:
        raise SpecError(f"images of {data.name} have shape {data.input}, the architecture reads {architecture.input}")
    if architecture.classes != len(data.classes):
        raise SpecError(f"{data.name} has {len(data.classes)} classes, the architecture {architecture.classes}")
