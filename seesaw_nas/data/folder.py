"""A folder of images by class: ``ROOT/CLASS/*.jpg``, or ``ROOT/train/CLASS/*.jpg`` with ``val`` and ``test`` beside it.

The first form is split 70/15/15. In the second, the split on disk is kept: without ``val`` (or ``validation``), 15% of
``train`` stand in for it, and without ``test`` there is no test split. Splits follow the sorted names of classes and
files, before any image is read. A class may be called ``train`` as long as it holds images and no folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seesaw_nas.data import splits
from seesaw_nas.data.decode import decode
from seesaw_nas.data.images import Images, SearchData
from seesaw_nas.data.progress import Progress
from seesaw_nas.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
DEFAULT_SIZE = 224
_SHARE = 0.15  # of the images, for validation and for test each


@dataclass(frozen=True, slots=True)
class Listing:
    """Image files and their classes, (N,), by sorted names."""

    paths: tuple[Path, ...]
    labels: splits.Indices

    def take(self, positions: splits.Indices) -> Listing:
        return Listing(tuple(self.paths[i] for i in positions), self.labels[positions])


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of each split; ``test`` is ``None`` where the folder has none."""

    classes: tuple[str, ...]
    train: Listing
    validation: Listing
    test: Listing | None


@dataclass(frozen=True, slots=True)
class Folder:
    """Square RGB images of ``image_size`` pixels from the files below ``root``."""

    root: Path
    image_size: int = DEFAULT_SIZE
    progress: Progress | None = None

    def search(self) -> SearchData:
        tree = find(self.root)
        files = tree.train.paths + tree.validation.paths
        labels = np.concatenate([tree.train.labels, tree.validation.labels])
        images, kept = decode(files, self.image_size, self.progress)
        both = Images(images, torch.from_numpy(labels[kept]))
        border = int(np.searchsorted(kept, len(tree.train.paths)))
        train = Images(both.images[:border], both.labels[:border])
        validation = Images(both.images[border:], both.labels[border:])
        name = f"folder:{self.root.resolve()}"
        return SearchData.of(name, tree.classes, train, validation, flip=True, padding=self.image_size // 8)

    def test(self) -> Images:
        listing = find(self.root).test
        if listing is None:
            raise DataError(f"{self.root} has no test split: add {self.root / 'test'} with a folder of images a class")
        images, kept = decode(listing.paths, self.image_size, self.progress)
        return Images(images, torch.from_numpy(listing.labels[kept]))


def find(root: Path) -> Tree:
    """The files of each split.

    Raises:
        DataError: no such folder, no classes, an empty class, classes that differ between splits, or too few images.
    """
    if not root.is_dir():
        raise DataError(f"there is no folder {root}; wanted one with a folder of images a class")
    return _split_on_disk(root) if _subfolders(root / "train") else _divided(root)


def _divided(root: Path) -> Tree:
    classes = _subfolders(root)
    files = _listing(root, classes)
    _check_enough(root, classes, files, 3, "train, validation and test")
    train, validation, test = splits.three_way(files.labels, _SHARE)
    return Tree(classes, files.take(train), files.take(validation), files.take(test))


def _split_on_disk(root: Path) -> Tree:
    classes = _subfolders(root / "train")
    train = _listing(root / "train", classes)
    named = [root / name for name in ("val", "validation") if (root / name).is_dir()]
    if len(named) > 1:
        raise DataError(f"{root} has both val and validation; keep one of them")
    test = _listing(root / "test", classes) if (root / "test").is_dir() else None
    if named:
        return Tree(classes, train, _listing(named[0], classes), test)
    _check_enough(root / "train", classes, train, 2, "train and validation")
    stays, out = splits.held_out(train.labels, splits.count_of(train.labels, _SHARE), splits.SPLIT_SEED)
    return Tree(classes, train.take(stays), train.take(out), test)


def _listing(root: Path, classes: tuple[str, ...]) -> Listing:
    if len(classes) < 2:
        raise DataError(f"{root} has {len(classes)} class folders, wanted at least 2, each with the images of a class")
    if (found := _subfolders(root)) != classes:
        odd = ", ".join(sorted(set(found) ^ set(classes))[:5])
        raise DataError(f"{root} and the train folder beside it differ in classes ({odd}); give both the same folders")
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        files = sorted(path for path in (root / name).iterdir() if _is_image(path))
        if not files:
            raise DataError(f"class folder {root / name} has no images ({', '.join(SUFFIXES)}); add some or remove it")
        paths += files
        labels += [label] * len(files)
    return Listing(tuple(paths), np.array(labels, dtype=np.int64))


def _check_enough(root: Path, classes: tuple[str, ...], files: Listing, least: int, parts: str) -> None:
    sizes = np.bincount(files.labels, minlength=len(classes))
    if sizes.min() >= least:
        return
    worst = int(sizes.argmin())
    raise DataError(
        f"cannot split {root} into {parts}: class {classes[worst]} has {sizes[worst]} "
        f"{'image' if sizes[worst] == 1 else 'images'}, wanted at least {least} ({(sizes < least).sum()} of "
        f"{len(classes)} classes have fewer); add images or make train, val and test folders"
    )


def _subfolders(root: Path) -> tuple[str, ...]:
    if not root.is_dir():
        return ()
    return tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")))


def _is_image(path: Path) -> bool:
    # macOS leaves '._name.jpg' files, which are no images, on foreign disks
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
