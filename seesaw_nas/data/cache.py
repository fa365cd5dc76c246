"""A cache of smaller copies of images, because large photos are slow to decode again in every epoch.

A copy is upright, in RGB, a JPEG of quality 95; its short side is that of a resized test image (256 pixels for a size
of 224) or the original's if that is smaller. Random crops cover the same parts of a picture as without the cache, but
usually with less detail: 14% less local contrast on ImageNet.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seesaw_nas.core import files
from seesaw_nas.data import crops
from seesaw_nas.data.progress import Progress, report_progress
from seesaw_nas.data.splits import Indices
from seesaw_nas.data.unreadable import check_decoder, reason, warn_of_skipped
from seesaw_nas.data.workers import default_workers, run_in_workers

QUALITY = 95
JPEG = (".jpg", ".jpeg", ".jfif", ".jpe")  # neither transparent nor deep, so always read in the same way
READING = "\0on white"  # to be changed when other pictures are read in another way, so that they are copied anew
CHUNK = 16  # images of one request to a worker


class CopyJob(NamedTuple):
    """A copy to make."""

    source: Path
    copy: Path


class CopyResult(NamedTuple):
    """The result of several jobs: why sources could not be read, and the error that stopped the writing, if any."""

    reasons: dict[str, str]
    failure: tuple[int | None, str, str] | None


def cache_copies(
    paths: Sequence[Path], folder: Path, size: int, progress: Progress | None = None, workers: int | None = None
) -> tuple[tuple[Path, ...], Indices]:
    """Make missing copies in ``folder``; return the copies of all readable images, and these images' positions.

    A copy is identified by its original's full path, time of modification and number of bytes.

    Args:
        size: side of the crops that will be taken from the copies, in pixels.
        progress: called with the number of copies made.

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


def holds_copies(folder: Path) -> bool:
    """Whether copies were made in a folder before."""
    try:
        return any(re.fullmatch("[0-9a-f]{2}", entry.name) and entry.is_dir() for entry in folder.iterdir())
    except (OSError, ValueError):
        return False


def _copy_path(path: Path, folder: Path, side: int) -> Path:
    try:
        status = path.stat()
        state = f"{status.st_mtime_ns} {status.st_size}"
    except OSError:
        state = "missing"  # reported later, with the unreadable files
    reading = "" if path.suffix.lower() in JPEG else READING
    key = hashlib.sha256(os.fsencode(f"{path.absolute()}\0{state}\0{side}\0{QUALITY}{reading}")).hexdigest()[:32]
    return folder / key[:2] / f"{key}.jpg"


@dataclass(frozen=True, slots=True)
class _CopyMaker:
    """Makes copies in a worker process."""

    side: int

    def __call__(self, orders: Sequence[CopyJob]) -> CopyResult:
        reasons: dict[str, str] = {}
        for source, copy in orders:
            try:
                image = crops.shrink(source, self.side)
            except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
                reasons[str(source)] = reason(error)
                continue
            part = files.partial(copy)  # two runs may fill one cache
            try:
                image.save(part, "JPEG", quality=QUALITY)
                # complete or absent after a crash; not synced, since a million waits for the disk would take hours
                os.replace(part, copy)
            except OSError as error:
                part.unlink(missing_ok=True)
                return CopyResult(reasons, (error.errno, error.strerror or str(error), str(copy)))
        return CopyResult(reasons, None)
