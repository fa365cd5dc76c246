"""CIFAR-10 and CIFAR-100 in their official binary layout, read from disk or downloaded.

Images smaller than 32x32 are means over squares of pixels, for searches with little compute.

A record is the label bytes (CIFAR-100: coarse, then fine) and 3,072 bytes of pixels: the 32x32 red plane, green, blue.

Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from seesaw_nas.core.documents import DocumentError, check_file
from seesaw_nas.core.errors import DataError
from seesaw_nas.data import splits
from seesaw_nas.data.base import DataSetting
from seesaw_nas.data.download import cache_dir, fetch
from seesaw_nas.data.images import Images, SearchData
from seesaw_nas.data.progress import Progress

SIZE = 32
_PIXELS = 3 * SIZE * SIZE
_VALIDATION_SHARE = 0.1  # 5,000 of the 50,000 training images


@dataclass(frozen=True, slots=True)
class CifarLayout:
    """The files of one of the two sets.

    Attributes:
        folder: name of the folder that the archive unpacks to.
        train, train_records: training files and the images in each.
        test, test_records: the test file and the images in it.
        names: the file with the class names, one a line.
        labels: how many values each label byte of a record can take; the last byte is the class.
    """

    name: str
    url: str
    md5: str
    folder: str
    train: tuple[str, ...]
    train_records: int
    test: str
    test_records: int
    names: str
    labels: tuple[int, ...]


LAYOUTS = {
    "cifar10": CifarLayout(
        name="cifar10",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        folder="cifar-10-batches-bin",
        train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
        train_records=10_000,
        test="test_batch.bin",
        test_records=10_000,
        names="batches.meta.txt",
        labels=(10,),
    ),
    "cifar100": CifarLayout(
        name="cifar100",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        md5="03b5dce01913d631647c71ecec9e9cb8",
        folder="cifar-100-binary",
        train=("train.bin",),
        train_records=50_000,
        test="test.bin",
        test_records=10_000,
        names="fine_label_names.txt",
        labels=(20, 100),
    ),
}


@dataclass(frozen=True, slots=True)
class Cifar:
    """One of the two data sets; downloaded once into the cache if ``data_dir`` is not given.

    Attributes:
        size: side of the images in pixels, a divisor of 32.
    """

    layout: CifarLayout
    data_dir: Path | None = None
    progress: Progress | None = None
    size: int = SIZE

    def __post_init__(self) -> None:
        if SIZE % self.size:
            raise DataError(
                f"images of {self.layout.name} are {SIZE} x {SIZE} pixels, or 16 x 16 or 8 x 8 by averaging, "
                f"got image size {self.size}"
            )

    def search(self) -> SearchData:
        layout, folder = self.layout, self._folder()
        files = [self._read(folder / name, layout.train_records) for name in layout.train]
        images = Images(torch.cat([part.images for part in files]), torch.cat([part.labels for part in files]))
        labels = images.labels.numpy()
        train, validation = splits.hold_out(labels, splits.count_of(labels, _VALIDATION_SHARE), splits.SPLIT_SEED)
        classes = self._classes(folder / layout.names)
        return SearchData.of(
            layout.name, classes, images.take(train), images.take(validation), flip=True, padding=self.size // 8
        )

    def test(self) -> Images:
        return self._read(self._folder() / self.layout.test, self.layout.test_records)

    def _folder(self) -> Path:
        if self.data_dir is not None:
            inside = self.data_dir / self.layout.folder
            return inside if inside.is_dir() else self.data_dir
        folder = cache_dir() / self.layout.folder
        names = (*self.layout.train, self.layout.test, self.layout.names)
        if not all((folder / name).exists() for name in names):
            fetch(self.layout.url, self.layout.md5, folder.parent, self.progress)
        return folder

    def _read(self, path: Path, records: int) -> Images:
        """The images of one file.

        Raises:
            DataError: the file is missing, of another size, or has a label that does not exist.
        """
        limits = self.layout.labels
        width = len(limits) + _PIXELS
        size = path.stat().st_size if path.is_file() else None
        if size != records * width:
            _refuse_pointer(path)
            came = "is missing" if size is None else f"is {size:,} bytes"
            raise DataError(f"{path} {came}, wanted {records * width:,} bytes; {self._remedy(path)}")
        table = np.fromfile(path, dtype=np.uint8).reshape(records, width)
        wrong = np.argwhere(table[:, : len(limits)] >= limits)
        if len(wrong):
            row, column = wrong[0]
            raise DataError(
                f"{path}: image {row} has label {table[row, column]}, "
                f"wanted 0 to {limits[column] - 1}; {self._remedy(path)}"
            )
        pixels = np.ascontiguousarray(table[:, len(limits) :]).reshape(records, 3, SIZE, SIZE)
        return Images(
            _shrunk(torch.from_numpy(pixels), SIZE // self.size),
            torch.from_numpy(table[:, len(limits) - 1].astype(np.int64)),
        )

    def _classes(self, path: Path) -> tuple[str, ...]:
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
        if len(names) != self.layout.labels[-1]:
            came = f"names {len(names)} classes" if path.is_file() else "is missing"
            raise DataError(f"{path} {came}, wanted {self.layout.labels[-1]} lines; {self._remedy(path)}")
        return names

    def _remedy(self, path: Path) -> str:
        if self.data_dir is None:
            return f"delete {path.parent} and run again"
        return f"unpack {self.layout.url} into {self.data_dir}, or leave out --data-dir to download it"


def _refuse_pointer(path: Path) -> None:
    """Raise :class:`DataError` if a file stands for one that is stored elsewhere, as in a clone without Git LFS."""
    try:
        if path.is_file():
            check_file(path)
    except DocumentError as error:
        raise DataError(error.about(path, "the images")) from None


def _shrunk(images: torch.Tensor, factor: int) -> torch.Tensor:
    """The rounded means of squares of ``factor`` pixels."""
    if factor == 1:
        return images
    parts = [F.avg_pool2d(part.float(), factor).round().to(torch.uint8) for part in torch.split(images, 1000)]
    return torch.cat(parts)


def make(setting: DataSetting) -> Cifar:
    """The set of this name, at the wanted size.

    Raises:
        DataError: 32 pixels do not divide into that size.
    """
    return Cifar(LAYOUTS[setting.name], setting.data_dir, setting.progress, setting.image_size or SIZE)
