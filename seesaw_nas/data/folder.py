"""A folder of images by class: ``ROOT/CLASS/*.jpg``, or ``ROOT/train/CLASS/*.jpg`` with ``val`` and ``test`` beside it.

Images in sub-folders of a class belong to it. The first form is split 70/15/15. In the second, the split on disk is
used: without ``val`` (or ``validation``, ``valid``, ``dev``), 15% of ``train`` take its place, and without ``test``
there is no test split. Splits depend on the sorted names of classes and files only, not on the content of images. A
class may be called ``train`` if it holds images and no folders.

Images are streamed (see :mod:`seesaw_nas.data.stream`) if a cache is given, or if those that a search uses would take
more than 4 GB of memory when decoded. The limit is the same on every machine, because streamed images are cropped in
another way.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import cache, splits
from seesaw_nas.data.base import DataSetting
from seesaw_nas.data.catalog import FOLDER_PREFIX
from seesaw_nas.data.decode import decode
from seesaw_nas.data.images import Images, SearchData
from seesaw_nas.data.pictures import printable
from seesaw_nas.data.progress import Progress
from seesaw_nas.data.stream import Streamed
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.data.walk import KINDS, beside, check_names, find_pictures, passed_over, subfolders

DEFAULT_SIZE = 224
MEMORY = 4_000_000_000  # bytes of images as uint8: 26,573 of 224 x 224 pixels
_SHARE = 0.15  # share of the images for validation, and for test
# names of the folders of splits, in small letters; each may be written in large ones, too
TRAIN, VALIDATION, TEST = ("train", "training"), ("val", "validation", "valid", "dev"), ("test", "testing")


@dataclass(frozen=True, slots=True)
class Listing:
    """Image files and their classes, (N,), sorted by name; just found, also the paths of what is passed over there."""

    paths: tuple[Path, ...]
    labels: splits.Indices
    passed_over: tuple[str, ...] = ()

    def take(self, positions: splits.Indices) -> Listing:
        return Listing(tuple(self.paths[i] for i in positions), self.labels[positions])

    def join(self, other: Listing) -> Listing:
        return Listing(self.paths + other.paths, np.concatenate([self.labels, other.labels]))

    def shuffle(self) -> Listing:
        """The same files in a fixed random order, so that the first of them are a sample of all classes."""
        return self.take(splits.permutation(len(self.paths), splits.SPLIT_SEED))


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of each split; ``test`` is ``None`` where the folder has none."""

    classes: tuple[str, ...]
    train: Listing
    validation: Listing
    test: Listing | None
    passed_over: PassedOver = NOTHING


@dataclass(frozen=True, slots=True)
class Streaming:
    """How files are streamed: as images of ``size`` pixels, from copies in ``cache_dir`` if it is given."""

    size: int = DEFAULT_SIZE
    cache_dir: Path | None = None
    progress: Progress | None = None

    @classmethod
    def of(cls, setting: DataSetting) -> Streaming:
        """As the setting asks for."""
        return cls(setting.image_size or DEFAULT_SIZE, setting.cache_dir, setting.progress)

    def search(
        self, name: str, classes: tuple[str, ...], train: Listing, validation: Listing, passed_over: PassedOver
    ) -> SearchData:
        files, positions = self._readable(train.shuffle().join(validation))
        both = Streamed.of(files.paths, files.labels, self.size)
        border = int(np.searchsorted(positions, len(train.paths)))
        parts = np.split(np.arange(len(both)), [border])
        return SearchData.of(name, classes, *map(both.take, parts), flip=True, padding=0, passed_over=passed_over)

    def split(self, files: Listing) -> Streamed:
        files, _ = self._readable(files)
        return Streamed.of(files.paths, files.labels, self.size)

    def _readable(self, files: Listing) -> tuple[Listing, splits.Indices]:
        """The files to read, and the positions of the given files that they belong to.

        Without a cache all files are returned, since it is not known yet which of them can be read.
        """
        if self.cache_dir is None:
            return files, np.arange(len(files.paths))
        copies, positions = cache.cache_copies(files.paths, self.cache_dir, self.size, self.progress)
        return Listing(copies, files.labels[positions]), positions


@dataclass(frozen=True, slots=True)
class Folder:
    """Square RGB images from the files below ``root``."""

    root: Path
    streaming: Streaming = Streaming()

    def search(self) -> SearchData:
        tree, size = read_tree(self.root), self.streaming.size
        name = f"folder:{self.root.resolve()}"
        if self._is_streamed(tree):
            return self.streaming.search(name, tree.classes, tree.train, tree.validation, tree.passed_over)
        files = tree.train.shuffle().join(tree.validation)
        images, positions = decode(files.paths, size, self.streaming.progress)
        both = Images(images, torch.from_numpy(files.labels[positions]))
        border = int(np.searchsorted(positions, len(tree.train.paths)))
        train = Images(both.images[:border], both.labels[:border])
        validation = Images(both.images[border:], both.labels[border:])
        return SearchData.of(
            name, tree.classes, train, validation, flip=True, padding=size // 8, passed_over=tree.passed_over
        )

    def test(self) -> Images | Streamed:
        tree = read_tree(self.root)
        if tree.test is None:
            raise DataError(f"{self.root} has no test split: add {self.root / 'test'} with a folder of images a class")
        if self._is_streamed(tree):
            return self.streaming.split(tree.test)
        images, positions = decode(tree.test.paths, self.streaming.size, self.streaming.progress)
        return Images(images, torch.from_numpy(tree.test.labels[positions]))

    def _is_streamed(self, tree: Tree) -> bool:
        count = len(tree.train.paths) + len(tree.validation.paths)
        return self.streaming.cache_dir is not None or count * 3 * self.streaming.size**2 > MEMORY


def read_tree(root: Path) -> Tree:
    """The files of each split.

    Raises:
        DataError: no such folder, no classes, an empty class, different classes in the splits, or too few images.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; wanted one with a folder of images a class")
    if train := [name for name in _named(root, TRAIN) if subfolders(root / name)]:
        return _split_on_disk(root, _only(root, train))
    return _split_by_share(root)


def _named(root: Path, names: Sequence[str]) -> list[str]:
    """The folders in a folder that have one of these names, in small or large letters."""
    return [name for name in subfolders(root) if name.lower() in names]


def _only(root: Path, names: Sequence[str]) -> str:
    """The one name; empty for none.

    Raises:
        DataError: there are several.
    """
    if len(names) > 1:
        raise DataError(f"{root} has both {' and '.join(names[:2])}; keep one of them")
    return names[0] if names else ""


def _split_by_share(root: Path) -> Tree:
    classes = subfolders(root)
    files = listing(root, classes)
    check_enough(root, classes, files, 3, "train, validation and test")
    train, validation, test = splits.split_three_ways(files.labels, _SHARE)
    unread = passed_over(root, files.passed_over)
    return Tree(classes, files.take(train), files.take(validation), files.take(test), unread)


def _split_on_disk(root: Path, name: str) -> Tree:
    """The splits of a folder that holds one folder for each; ``name`` is that of the training images."""
    place = root / name
    classes = subfolders(place)
    train = listing(place, classes)
    held, tested = (_only(root, _named(root, names)) for names in (VALIDATION, TEST))
    validation = listing(root / held, classes) if held else None
    test = listing(root / tested, classes) if tested else None
    parts = [part.passed_over for part in (train, validation, test) if part is not None]
    unread = passed_over(root, [*beside(root, (name, held, tested)), *itertools.chain(*parts)])
    if validation is None:
        check_enough(place, classes, train, 2, "train and validation")
        stays, out = splits.hold_out(train.labels, splits.count_of(train.labels, _SHARE), splits.SPLIT_SEED)
        train, validation = train.take(stays), train.take(out)
    return Tree(classes, train, validation, test, unread)


def listing(root: Path, classes: tuple[str, ...]) -> Listing:
    """The images in the folders of these classes, and below; and what stands beside them.

    Raises:
        DataError: there are fewer than two classes, one is empty or has a name that is not UTF-8, or the folders have
            other names.
    """
    check_names(root, classes)
    if len(classes) < 2:
        raise DataError(f"{root} has {len(classes)} class folders, wanted at least 2, each with the images of a class")
    if (folders := subfolders(root)) != classes:
        odd = printable(", ".join(sorted(set(folders) ^ set(classes))[:5]))
        raise DataError(f"{root} and the train folder beside it differ in classes ({odd}); give both the same folders")
    paths: list[Path] = []
    labels: list[int] = []
    unread = beside(root, classes)
    for label, name in enumerate(classes):
        files, others = find_pictures(root / name)
        if not files:
            raise DataError(f"class folder {root / name} has no images ({KINDS}); add some or remove it")
        paths += files
        labels += [label] * len(files)
        unread += others
    return Listing(tuple(paths), np.array(labels, dtype=np.int64), tuple(unread))


def check_enough(root: Path, classes: tuple[str, ...], files: Listing, least: int, parts: str) -> None:
    """Raise :class:`DataError` if a class has fewer than ``least`` images, so that not all ``parts`` can have one."""
    sizes = np.bincount(files.labels, minlength=len(classes))
    if sizes.min() >= least:
        return
    worst = int(sizes.argmin())
    raise DataError(
        f"cannot split {root} into {parts}: class {classes[worst]} has {sizes[worst]} "
        f"{'image' if sizes[worst] == 1 else 'images'}, wanted at least {least} ({(sizes < least).sum()} of "
        f"{len(classes)} classes have fewer); add images or make train, val and test folders"
    )


def make(setting: DataSetting) -> Folder:
    """The folder whose path is the name, with or without ``folder:`` before it."""
    return Folder(Path(setting.name.removeprefix(FOLDER_PREFIX)).expanduser(), Streaming.of(setting))
