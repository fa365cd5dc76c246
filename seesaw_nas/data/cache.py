"""Copies of images at the size that is needed, written once: large photos are slow to decode again every epoch.

A copy has the short side of a test image, 256 pixels for 224, or the original's where that is smaller, upright, in RGB,
as JPEG of quality 95. The parts that a training shows are the same shares of the picture as without copies, but seldom
with as much detail: 14% less local contrast on ImageNet.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seesaw_nas.data import crops
from seesaw_nas.data.progress import Progress, report_progress
from seesaw_nas.data.splits import Indices
from seesaw_nas.data.unreadable import check_decoder, reason, warn_of_skipped
from seesaw_nas.data.workers import default_workers, run_in_workers

QUALITY = 95
CHUNK = 16  # images of one request to a worker


class CopyJob(NamedTuple):
    """A copy to make."""

    source: Path
    copy: Path


class CopyResult(NamedTuple):
    """What became of some orders: sources that could not be read, and what ended the writing of a copy."""

    reasons: dict[str, str]
    failure: tuple[int | None, str, str] | None


def cache_copies(
    paths: Sequence[Path], folder: Path, size: int, progress: Progress | None = None, workers: int | None = None
) -> tuple[tuple[Path, ...], Indices]:
    """The copies in ``folder`` of the images that can be read, made where they are missing, and their positions.

    A copy is found again by its original's full path, time of change and number of bytes.

    Args:
        size: of the crops that are taken of the copies.
        progress: told how many copies are made.

    Raises:
        DataError: more than one file in a hundred is unreadable.
        OSError: a copy cannot be written.
    """
    check_decoder()
    side = crops.short_side(size)
    reasons: dict[str, str] = {}
    orders = [CopyJob(path, _copy_path(path, folder, side)) for path in paths]
    missing = [order for order in orders if not order.copy.exists()]
    for parent in {order.copy.parent for order in missing}:
        parent.mkdir(parents=True, exist_ok=True)
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    with report_progress(progress) as report:
        made = run_in_workers(_CopyMaker(side), chunks, default_workers() if workers is None else workers)
        for number, (failed, failure) in enumerate(made, start=1):
            if failure is not None:
                raise OSError(*failure)
            reasons |= failed
            report("copying images to the cache", min(number * CHUNK, len(missing)), len(missing))
    warn_of_skipped(reasons, len(paths))
    positions = [i for i, path in enumerate(paths) if str(path) not in reasons]
    return tuple(orders[i].copy for i in positions), np.array(positions, dtype=np.int64)


def _copy_path(path: Path, folder: Path, side: int) -> Path:
    try:
        status = path.stat()
        state = f"{status.st_mtime_ns} {status.st_size}"
    except OSError:
        state = "missing"  # it will be told with the unreadable ones
    key = hashlib.sha256(os.fsencode(f"{path.absolute()}\0{state}\0{side}\0{QUALITY}")).hexdigest()[:32]
    return folder / key[:2] / f"{key}.jpg"


@dataclass(frozen=True, slots=True)
class _CopyMaker:
    """What a worker does."""

    side: int

    def __call__(self, orders: Sequence[CopyJob]) -> CopyResult:
        reasons: dict[str, str] = {}
        for source, copy in orders:
            try:
                image = crops.shrink(source, self.side)
            except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
                reasons[str(source)] = reason(error)
                continue
            part = copy.with_suffix(f".{os.getpid()}.part")  # two runs may fill one cache
            try:
                image.save(part, "JPEG", quality=QUALITY)
                # whole or absent after a crash; not synced, for a million waits for the disk would take hours
                os.replace(part, copy)
            except OSError as error:
                part.unlink(missing_ok=True)
                return CopyResult(reasons, (error.errno, error.strerror or str(error), str(copy)))
        return CopyResult(reasons, None)
