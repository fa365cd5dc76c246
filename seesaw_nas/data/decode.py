"""Reading image files into one uint8 tensor, with Pillow, in a few threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from seesaw_nas.data.progress import Progress, reporting
from seesaw_nas.data.splits import Indices
from seesaw_nas.errors import DataError

MAX_UNREADABLE = 0.01
_THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes without the interpreter lock


def decode(paths: Sequence[Path], size: int, progress: Progress | None = None) -> tuple[torch.Tensor, Indices]:
    """The images that can be read, uint8 (M, 3, size, size), and their positions in ``paths``, (M,).

    Unreadable files are skipped with a warning that counts and names them.

    Raises:
        DataError: more than one file in a hundred is unreadable, or the images do not fit in this machine's memory.
    """
    _check_memory(len(paths), size)
    images = np.empty((len(paths), 3, size, size), dtype=np.uint8)
    reasons: dict[Path, str] = {}
    kept = []
    with reporting(progress) as report, ThreadPoolExecutor(_THREADS) as pool:
        for i, reason in enumerate(pool.map(_read_into, images, paths)):
            report("reading images", i + 1, len(paths))
            if reason:
                reasons[paths[i]] = reason
            else:
                kept.append(i)
    if reasons:
        _tell(reasons, len(paths))
        images = images[kept]
    return torch.from_numpy(images), np.array(kept, dtype=np.int64)


def _read_into(out: npt.NDArray[np.uint8], path: Path) -> str:
    """Fill ``out``, (3, size, size), with the image; the text says why it could not be read, and is empty otherwise."""
    try:
        out[:] = read(path, out.shape[-1])
    except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
        return f"{type(error).__name__}: {error}"
    return ""


def read(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """One image, (3, size, size): upright as its camera says, short side resized to ``size``, the centre kept."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        image.draft("RGB", (2 * size, 2 * size))  # a JPEG skips detail that the resizing would drop
        upright = ImageOps.exif_transpose(image)
        if "transparency" in upright.info:
            upright = upright.convert("RGBA")
        fitted = ImageOps.fit(upright.convert("RGB"), (size, size), Image.Resampling.BICUBIC)
    return np.asarray(fitted).transpose(2, 0, 1)  # (3, size, size)


def _tell(reasons: dict[Path, str], total: int) -> None:
    names = [f"{path} ({' '.join(reason.split())})" for path, reason in reasons.items()]
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    count = f"{len(names)} of {total} images cannot be read: {named}"
    if len(names) > MAX_UNREADABLE * total:
        raise DataError(f"{count}; at most {MAX_UNREADABLE:.0%} may be, so mend or delete them")
    warnings.warn(f"skipped: {count}", stacklevel=3)


def _check_memory(count: int, size: int) -> None:
    wanted, there = count * 3 * size * size, _memory_bytes()
    if there is not None and wanted > there:
        raise DataError(
            f"{count:,} images of {size} x {size} pixels take {wanted / 1e9:.1f} GB and this machine has "
            f"{there / 1e9:.1f} GB; choose a smaller image size or fewer images"
        )


def _memory_bytes() -> int | None:
    """Memory of this machine; unknown on systems without the POSIX call."""
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
