"""Data sets by name; the two doors to them, one for a search and one for the test split.

A data set is one file in this package, with a function ``make`` that takes a :class:`seesaw_nas.data.base.DataSetting`,
and one line of :data:`DATA_SETS`. Importing this loads no torch.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.core.errors import DataError, known
from seesaw_nas.data.base import LARGEST_IMAGE, DataSetting, Source
from seesaw_nas.data.progress import Progress

if TYPE_CHECKING:
    from seesaw_nas.data.images import SearchData, Split


@dataclass(frozen=True, slots=True)
class DataSetEntry:
    """A line of the registry.

    Attributes:
        what: the images are, in words.
        module: its file in this package, loaded when the data set is made.
        space: that is searched where none is named; empty for the one that fits the size of the images.
        is_fixed: whether the name alone says which images these are: shipped, or known by a checksum.
        is_streamed: whether images are decoded anew for every epoch, and may have copies in a cache.
        has_one_size: whether its images come in no other size.
        sizes: sides in pixels that it comes in; empty for any.
        test: images of its test split; 0 for about as many as there are to validate with.
    """

    what: str
    module: str
    space: str = ""
    is_fixed: bool = False
    is_streamed: bool = False
    has_one_size: bool = False
    sizes: tuple[int, ...] = ()
    test: int = 0


DATA_SETS = {
    "digits": DataSetEntry("1,797 digits, 8x8, grey", "digits", "seesaw-digits", is_fixed=True, has_one_size=True),
    "cifar10": DataSetEntry(
        "60,000 photos of 10 classes, 32x32", "cifar", "seesaw-cifar", is_fixed=True, sizes=(8, 16, 32), test=10_000
    ),
    "cifar100": DataSetEntry(
        "60,000 photos of 100 classes, 32x32", "cifar", "seesaw-cifar", is_fixed=True, sizes=(8, 16, 32), test=10_000
    ),
    "imagenet": DataSetEntry("1.3 million photos of 1,000 classes", "imagenet", is_streamed=True),
}
FOLDER_PREFIX = "folder:"
USUAL_SIZES = (16, 24, 32, 48, 64, 96, 128, 160, 192, 224)  # of images that can be had in any
NAMES = tuple(DATA_SETS)
ONE_SIZE = tuple(name for name, entry in DATA_SETS.items() if entry.has_one_size)
_FOLDER = DataSetEntry("images by class", "folder", is_streamed=True)  # of any path


def image_sizes(name: str) -> tuple[int, ...]:
    """Sides in pixels to choose from, ascending: all of a data set that has a few, else usual ones."""
    entry = DATA_SETS.get(name, _FOLDER)
    return () if entry.has_one_size else entry.sizes or USUAL_SIZES


def test_images(name: str) -> int:
    """How many images the test split has, known without a look at it; 0 for about as many as validate."""
    return DATA_SETS.get(name, _FOLDER).test


def default_space(name: str) -> str:
    """The space to search for images of this data set; empty for the one that fits their size."""
    return DATA_SETS[name].space if name in DATA_SETS else ""


def load(
    name: str,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
) -> SearchData:
    """The training and validation images of a data set, on the CPU; in memory, or streamed where they are too many.

    Args:
        name: one of ``DATA_SETS``, or the path of a folder of images by class, with or without ``folder:`` before it.
        data_dir: holds the unpacked CIFAR archive, or is it; without, the archive is downloaded once. For ImageNet, the
            folder that holds ``train`` and ``val``. Others ignore it.
        image_size: side of the images in pixels; for a folder and ImageNet, 224 without, the paper's size; for CIFAR,
            where 16 and 8 are averages of pixels.
        progress: told how far a download or a reading is; without, a terminal shows a bar.
        cache_dir: keeps small copies of large images, for a folder, which is streamed then, and ImageNet.

    Raises:
        DataError: no such data set, or its files are missing, damaged or too few.
    """
    return _source(DataSetting(name, data_dir, image_size, progress, cache_dir)).search()


def load_test(
    name: str,
    data_dir: Path | None = None,
    image_size: int | None = None,
    progress: Progress | None = None,
    cache_dir: Path | None = None,
) -> Split:
    """The test split of a data set, for the final training of a chosen architecture; arguments as for :func:`load`."""
    return _source(DataSetting(name, data_dir, image_size, progress, cache_dir)).test()


def _source(setting: DataSetting) -> Source:
    if setting.image_size is not None and setting.image_size < 1:
        raise DataError(f"an image size is a positive number of pixels, got {setting.image_size}")
    if setting.image_size is not None and setting.image_size > LARGEST_IMAGE:
        raise DataError(f"images have at most {LARGEST_IMAGE:,} x {LARGEST_IMAGE:,} pixels, got {setting.image_size:,}")
    entry = DATA_SETS.get(setting.name) or _folder(setting.name)
    if setting.cache_dir is not None and not entry.is_streamed:
        raise DataError(f"{setting.name} needs no --cache-dir: its images are small and stay in memory; leave it out")
    source: Source = importlib.import_module(f"seesaw_nas.data.{entry.module}").make(setting)
    return source


def _folder(name: str) -> DataSetEntry:
    """The entry of folders, where the name is the path of one.

    Raises:
        DataError: it is none.
    """
    path = name.removeprefix(FOLDER_PREFIX)
    if not path or (path == name and not Path(path).expanduser().is_dir()):
        raise DataError(f"{known('data set', name, DATA_SETS)}; the path of a folder of images by class also works")
    return _FOLDER
