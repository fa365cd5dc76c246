"""The digits that come with scikit-learn: 1,797 handwritten digits of 8x8 grey pixels, without a download.

Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI repository (its test part).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import splits
from seesaw_nas.data.base import DataSetting
from seesaw_nas.data.catalog import NAMES, ONE_SIZE
from seesaw_nas.data.images import Images, SearchData

SIZE = 8
_SHARE = 0.2  # of all images, for validation and for test each


@dataclass(frozen=True, slots=True)
class Digits:
    """The digits; a fifth each for validation and test, the rest for training."""

    def search(self) -> SearchData:
        images = _read()
        train, validation, _ = _parts(images)
        classes = tuple("0123456789")
        return SearchData.of("digits", classes, images.take(train), images.take(validation), flip=False, padding=1)

    def test(self) -> Images:
        images = _read()
        return images.take(_parts(images)[2])


def _parts(images: Images) -> tuple[splits.Indices, splits.Indices, splits.Indices]:
    return splits.split_three_ways(images.labels.numpy(), _SHARE)


def _read() -> Images:
    """All 1,797 images, their grey values 0..16 stretched to 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # (N, 8, 8)
    return Images(torch.from_numpy(grey[:, None]), torch.from_numpy(bunch.target.astype(np.int64)))


def make(setting: DataSetting) -> Digits:
    """The digits, in their own size.

    Raises:
        DataError: another size is asked for.
    """
    if setting.image_size not in (None, SIZE):
        others = ", ".join(name for name in NAMES if name not in ONE_SIZE)
        raise DataError(
            f"images of digits are 8 x 8 pixels, got image size {setting.image_size}; "
            f"leave it out, it is for {others} and folders of images"
        )
    return Digits()
