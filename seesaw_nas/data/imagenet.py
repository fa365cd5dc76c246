"""ImageNet (ILSVRC 2012) in its own layout: ``train/CLASS/*.JPEG`` and ``val/CLASS/*.JPEG``.

Published accuracies are measured on the 50,000 images of ``val``, so these are the test split, and 4% of ``train``
(51,247 of 1,281,167 images) are held out for validation. Any other data set of this layout can be read the same way.

Source: Russakovsky et al. 2015, arXiv:1409.0575.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import folder, splits, walk
from seesaw_nas.data.base import DataSetting
from seesaw_nas.data.images import SearchData
from seesaw_nas.data.stream import Streamed

NAME = "imagenet"
VALIDATION_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class ImageNet:
    """The images below ``root``, always streamed."""

    root: Path | None
    streaming: folder.Streaming

    def search(self) -> SearchData:
        root = self._root()
        classes = walk.subfolders(root / "train")
        files = folder.listing(root / "train", classes)
        test = folder.listing(root / "val", classes)  # of names only, so that an error is reported before any training
        folder.check_enough(root / "train", classes, files, 2, "train and validation")
        n = splits.count_of(files.labels, VALIDATION_SHARE)
        stays, out = splits.hold_out(files.labels, n, splits.SPLIT_SEED)
        beside = walk.beside(root, ("train", "val"))
        unread = walk.passed_over(root, [*beside, *files.passed_over, *test.passed_over])
        return self.streaming.search(NAME, classes, files.take(stays), files.take(out), unread)

    def test(self) -> Streamed:
        root = self._root()
        return self.streaming.split(folder.listing(root / "val", walk.subfolders(root / "train")))

    def _root(self) -> Path:
        """The folder that holds ``train`` and ``val``.

        Raises:
            DataError: no folder is given, or one of the two has no folders in it.
        """
        expected = "the folder that holds train/ and val/, each with a folder of images a class"
        if self.root is None:
            raise DataError(f"imagenet cannot be downloaded: name {expected}, by --data-dir")
        for part in ("train", "val"):
            if not walk.subfolders(self.root / part):
                raise DataError(f"{self.root / part} has no class folders; --data-dir wants {expected}")
        return self.root


def make(setting: DataSetting) -> ImageNet:
    """The images below ``data_dir``."""
    return ImageNet(setting.data_dir, folder.Streaming.of(setting))
