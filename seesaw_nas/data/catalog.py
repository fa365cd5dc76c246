"""Data sets by name; the two doors to them, one for a search and one for the test split."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from seesaw_nas.core.errors import DataError, known
from seesaw_nas.data import cifar, digits, folder, imagenet
from seesaw_nas.data.images import SearchData, Split
from seesaw_nas.data.progress import Progress

ONE_SIZE = ("digits",)  # whose images come in no other
NAMES = (*ONE_SIZE, *cifar.LAYOUTS, imagenet.NAME)
FOLDER_PREFIX = "folder:"


class Source(Protocol):
    """Where the images of one data set come from."""

    def search(self) -> SearchData:
        """Training and validation images, without opening the test split where that is a file of its own."""

    def test(self) -> Split:
        """The test split."""


def load(
    name: str,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
) -> SearchData:
    """The training and validation images of a data set, on the CPU; in memory, or streamed where they are too many.

    Args:
        name: one of ``NAMES``, or the path of a folder of images by class, with or without ``folder:`` before it.
        data_dir: holds the unpacked CIFAR archive, or is it; without, the archive is downloaded once. For ImageNet, the
            folder that holds ``train`` and ``val``. Others ignore it.
        image_size: side of the images in pixels; for a folder and ImageNet, 224 without, the paper's size; for CIFAR,
            where 16 and 8 are averages of pixels.
        progress: told how far a download or a reading is; without, a terminal shows a bar.
        cache_dir: keeps small copies of large images, for a folder, which is streamed then, and ImageNet.

    Raises:
        DataError: no such data set, or its files are missing, damaged or too few.
    """
    return _source(name, data_dir, image_size, progress, cache_dir).search()


def load_test(
    name: str,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
) -> Split:
    """The test split of a data set, for the final training of a chosen architecture; arguments as for :func:`load`."""
    return _source(name, data_dir, image_size, progress, cache_dir).test()


def _source(
    name: str, data_dir: Path | None, image_size: int | None, progress: Progress | None, cache_dir: Path | None
) -> Source:
    if image_size is not None and image_size < 1:
        raise DataError(f"an image size is a positive number of pixels, got {image_size}")
    if cache_dir is not None and name in (*ONE_SIZE, *cifar.LAYOUTS):
        raise DataError(f"{name} needs no --cache-dir: its images are small and stay in memory; leave it out")
    if name == "digits":
        if image_size not in (None, digits.SIZE):
            raise DataError(
                f"images of digits are 8 x 8 pixels, got image size {image_size}; "
                f"leave it out, it is for cifar10, cifar100, imagenet and folders of images"
            )
        return digits.Digits()
    if name in cifar.LAYOUTS:
        return cifar.Cifar(cifar.LAYOUTS[name], data_dir, progress, image_size or cifar.SIZE)
    streaming = folder.Streaming(image_size or folder.DEFAULT_SIZE, cache_dir, progress)
    if name == imagenet.NAME:
        return imagenet.ImageNet(data_dir, streaming)
    path = name.removeprefix(FOLDER_PREFIX)
    root = Path(path).expanduser()
    if not path or (path == name and not root.is_dir()):
        raise DataError(f"{known('data set', name, NAMES)}; the path of a folder of images by class also works")
    return folder.Folder(root, streaming)
