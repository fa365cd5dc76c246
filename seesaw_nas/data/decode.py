"""Reads image files into one uint8 tensor, with Pillow in several threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from seesaw_nas.data.pictures import read_square
from seesaw_nas.data.progress import Progress, report_progress
from seesaw_nas.data.splits import Indices
from seesaw_nas.data.unreadable import check_decoder, reason, warn_of_skipped

THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes without the interpreter lock


def decode(paths: Sequence[Path], size: int, progress: Progress | None = None) -> tuple[torch.Tensor, Indices]:
    """Read images; returns the readable ones, uint8 (M, 3, size, size), and their positions in ``paths``, (M,).

    Unreadable files are skipped, with a warning that counts and names them.

    Raises:
        DataError: more than one file in a hundred is unreadable.
    """
    check_decoder()
    images = np.empty((len(paths), 3, size, size), dtype=np.uint8)
    reasons: dict[str, str] = {}
    positions = []
    with report_progress(progress) as report, ThreadPoolExecutor(THREADS) as pool:
        for i, why in enumerate(pool.map(_read_into, images, paths)):
            report("reading images", i + 1, len(paths))
            if why:
                reasons[str(paths[i])] = why
            else:
                positions.append(i)
    if reasons:
        warn_of_skipped(reasons, len(paths))
        images = images[positions]
    return torch.from_numpy(images), np.array(positions, dtype=np.int64)


def _read_into(out: npt.NDArray[np.uint8], path: Path) -> str:
    """Fill ``out``, (3, size, size), with the image; returns why it could not be read, or an empty text."""
    try:
        out[:] = read(path, out.shape[-1])
    except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
        return reason(error)
    return ""


def read(path: Path, size: int, grey: bool = False) -> npt.NDArray[np.uint8]:
    """Read one image, (3, size, size), or (1, size, size) in grey.

    It is turned upright by its orientation tag, resized to ``size`` on its short side, and cropped to its centre.
    """
    square = read_square(path, size, size)
    if grey:
        return np.asarray(square.convert("L"))[None]  # (1, size, size)
    return np.asarray(square).transpose(2, 0, 1)  # (3, size, size)
