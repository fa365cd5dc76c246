"""Data sets by name; the two doors to them, one for a search and one for the test split."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from seesaw_nas.data import cifar, digits, folder
from seesaw_nas.data.images import Images, SearchData
from seesaw_nas.data.progress import Progress
from seesaw_nas.errors import DataError, known

NAMES = ("digits", *cifar.LAYOUTS)
FOLDER_PREFIX = "folder:"


class Source(Protocol):
    """Where the images of one data set come from."""

    def search(self) -> SearchData:
        """Training and validation images, without opening the test split where that is a file of its own."""

    def test(self) -> Images:
        """The test split."""


def load(
    name: str, data_dir: Path | None = None, image_size: int | None = None, progress: Progress | None = None
) -> SearchData:
    """The training and validation images of a data set, in memory, on the CPU.

    Args:
        name: one of ``NAMES``, or the path of a folder of images by class, with or without ``folder:`` before it.
        data_dir: holds the unpacked CIFAR archive, or is it; without, the archive is downloaded once. Others ignore it.
        image_size: side of the images in pixels, for a folder; 224 without, the paper's size for ImageNet.
        progress: told how far a download or a reading is; without, a terminal shows a bar.

    Raises:
        DataError: no such data set, or its files are missing, damaged or too few.
    """
    return _source(name, data_dir, image_size, progress).search()


def load_test(
    name: str, data_dir: Path | None = None, image_size: int | None = None, progress: Progress | None = None
) -> Images:
    """The test split of a data set, for the final training of a chosen architecture; arguments as for :func:`load`."""
    return _source(name, data_dir, image_size, progress).test()


def _source(name: str, data_dir: Path | None, image_size: int | None, progress: Progress | None) -> Source:
    if image_size is not None and image_size < 1:
        raise DataError(f"an image size is a positive number of pixels, got {image_size}")
    if name == "digits":
        _check_size(name, digits.SIZE, image_size)
        return digits.Digits()
    if name in cifar.LAYOUTS:
        _check_size(name, cifar.SIZE, image_size)
        return cifar.Cifar(cifar.LAYOUTS[name], data_dir, progress)
    path = name.removeprefix(FOLDER_PREFIX)
    root = Path(path).expanduser()
    if not path or (path == name and not root.is_dir()):
        raise DataError(f"{known('data set', name, NAMES)}; the path of a folder of images by class also works")
    return folder.Folder(root, image_size or folder.DEFAULT_SIZE, progress)


def _check_size(name: str, size: int, image_size: int | None) -> None:
    if image_size not in (None, size):
        raise DataError(
            f"images of {name} are {size} x {size} pixels, got image size {image_size}; "
            f"leave it out, it is for folders of images"
        )
