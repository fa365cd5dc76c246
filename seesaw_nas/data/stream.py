"""Labelled images that stay on disk and are decoded by worker processes each time they are needed.

Memory holds the names of the files and a few batches. The content of a batch depends on its positions and its seed
only, not on the number of workers. An unreadable image is replaced by the next one in a training batch, left out of an
evaluation, and counted; if more than one in a hundred is unreadable, that is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from seesaw_nas.core.device import send
from seesaw_nas.core.errors import DataError
from seesaw_nas.data import crops
from seesaw_nas.data.images import Batch, Draw, DrawnBatch, Images
from seesaw_nas.data.splits import Indices
from seesaw_nas.data.unreadable import MAX_SHARE, UnreadableFiles, check_decoder, reason
from seesaw_nas.data.workers import AHEAD, default_workers, run_in_workers

STATISTICS = 2_000  # images that channel statistics are computed from: the mean's standard error is about 0.003
EVALUATED = 64  # the most images of an evaluation batch; each worker holds a few batches


class BatchRequest(NamedTuple):
    """One batch to decode.

    Attributes:
        positions: positions of the images, (n,).
        whole: whether an unreadable image is replaced by another one.
        seed: seed for random crops; ``None`` for the centres.
    """

    positions: Indices
    whole: bool = False
    seed: int | None = None
    flip: bool = False


class DecodedBatch(NamedTuple):
    """Images, uint8 (n, 3, H, W), their positions, (n,), and the reasons why others could not be read."""

    images: torch.Tensor
    positions: torch.Tensor
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """Image files with their labels; batches arrive on ``device``.

    Attributes:
        files: paths as bytes, (N,): an array, because a million Python objects would be copied into every worker.
        labels: int64, (N,), on ``device``.
        size: height and width of the crops, in pixels.
        unreadable: the unreadable images, shared with the other splits and subsets of the data set.
        workers: number of processes that decode; 0 decodes in this process.
    """

    files: npt.NDArray[np.bytes_]
    labels: torch.Tensor
    size: int
    unreadable: UnreadableFiles
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    workers: int = field(default_factory=default_workers)

    @classmethod
    def of(
        cls, paths: Sequence[Path], labels: Indices, size: int, unreadable: UnreadableFiles | None = None
    ) -> Streamed:
        """The images in the files at these paths."""
        check_decoder()
        files = np.array([os.fsencode(path) for path in paths], dtype=np.bytes_)
        return cls(files, torch.from_numpy(labels), size, unreadable or UnreadableFiles(len(files)))

    @property
    def short_side(self) -> int:
        """Larger than the crops, see :func:`seesaw_nas.data.crops.short_side`."""
        return crops.short_side(self.size)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (C, H, W)."""
        return 3, self.size, self.size

    def to(self, device: torch.device | str) -> Streamed:
        """The same images, delivered to another device."""
        return replace(self, device=torch.device(device), labels=self.labels.to(device))

    def take(self, positions: Indices) -> Streamed:
        """The images at these positions, in this order."""
        chosen = torch.from_numpy(positions).to(self.device)
        return replace(self, files=self.files[positions], labels=self.labels[chosen])

    def join(self, other: Streamed) -> Streamed:
        """These images, and after them those of another split of the data set."""
        both = np.concatenate([self.files, other.files])
        return replace(self, files=both, labels=torch.cat([self.labels, other.labels]))

    def batches(self, draws: Sequence[Draw], *, flip: bool, padding: int) -> Iterator[DrawnBatch]:
        """A random part of each image, perhaps mirrored; see :func:`seesaw_nas.data.crops.random_part`.

        Args:
            draws: a draw without a seed gives the centres.
            padding: must be 0: images are not cropped as in :func:`seesaw_nas.data.augment.augment`.
        """
        assert padding == 0, padding
        requests = [BatchRequest(draw.positions.numpy(), True, draw.seed, flip) for draw in draws]
        for draw, decoded in zip(draws, self._decode(requests), strict=True):
            if len(decoded.positions) < len(draw.positions):
                raise self._nothing_readable
            sent = send(torch.cat([decoded.positions[None], draw.extra]), self.device)  # (1 + k, n)
            images = decoded.images.to(self.device, non_blocking=True)
            yield images, self.labels.index_select(0, sent[0]), sent[1:]

    def batches_in_order(self, batch_size: int) -> Iterator[Batch]:
        """The centre of every readable image, in batches of at most this size."""
        each = np.arange(len(self))
        step = min(batch_size, EVALUATED)
        requests = [BatchRequest(each[start : start + step]) for start in range(0, len(self), step)]
        count = 0
        for decoded in self._decode(requests):
            count += len(decoded.positions)
            if len(decoded.positions):
                positions = send(decoded.positions, self.device)
                yield decoded.images.to(self.device, non_blocking=True), self.labels.index_select(0, positions)
        if not count:
            raise self._nothing_readable

    def first(self, n: int) -> torch.Tensor:
        """The centres of the first ``n`` images, or of all if there are fewer, without the unreadable ones."""
        return self.take(np.arange(min(n, len(self)))).in_memory().images

    def in_memory(self) -> Images:
        """The centres of all readable images."""
        images, labels = map(torch.cat, zip(*self.batches_in_order(EVALUATED), strict=True))
        return Images(images, labels)

    def for_statistics(self) -> Images:
        """The centres of the first 2,000 images, a random sample since training sets are in random order."""
        return self.take(np.arange(min(STATISTICS, len(self)))).in_memory()

    @property
    def prefetched(self) -> int:
        """The most batches that the workers hold."""
        return AHEAD * self.workers

    @property
    def _nothing_readable(self) -> DataError:
        return DataError(f"none of {len(self)} images can be read, such as {os.fsdecode(self.files[0])}")

    def _decode(self, requests: Sequence[BatchRequest]) -> Iterator[DecodedBatch]:
        work = _Decoder(self.files, self.size, int(MAX_SHARE * self.unreadable.total))
        for decoded in run_in_workers(work, requests, self.workers, pin_memory=self.device.type == "cuda"):
            self.unreadable.add(decoded.reasons)
            yield decoded
        self.unreadable.report()


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Decodes batches in a worker process.

    Attributes:
        most: how many images after an unreadable one are tried in its place; if all fail, too many are unreadable.
    """

    files: npt.NDArray[np.bytes_]
    size: int
    most: int

    def __call__(self, request: BatchRequest) -> DecodedBatch:
        images = np.empty((len(request.positions), 3, self.size, self.size), dtype=np.uint8)
        positions: list[int] = []
        reasons: dict[str, str] = {}
        for asked in request.positions.tolist():
            for position in self._candidates(asked, request):
                try:
                    pixels = self._read(position, request)
                except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
                    reasons[os.fsdecode(self.files[position])] = reason(error)
                    continue
                images[len(positions)] = pixels.transpose(2, 0, 1)  # (3, H, W)
                positions.append(position)
                break
        read: Any = np.array(positions, dtype=np.int64)
        return DecodedBatch(torch.from_numpy(images[: len(read)]), torch.from_numpy(read), reasons)

    def _candidates(self, asked: int, request: BatchRequest) -> Iterator[int]:
        spare = min(self.most, len(self.files) - 1) if request.whole else 0
        yield from ((asked + further) % len(self.files) for further in range(spare + 1))

    def _read(self, position: int, request: BatchRequest) -> crops.Pixels:
        path = Path(os.fsdecode(self.files[position]))
        if request.seed is None:
            return crops.centre_crop(path, self.size)
        return crops.random_crop(path, self.size, np.random.default_rng((request.seed, position)), request.flip)
