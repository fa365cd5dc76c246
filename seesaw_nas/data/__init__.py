"""Data sets: uint8 images in memory or streamed, their fixed train, validation and test splits, and augmentation.

:func:`load` returns what a search may use, training and validation images; only :func:`load_test` returns the test
split. Splits are stratified by class with a fixed seed, so every run and every machine has the same ones.

What needs torch is loaded when it is first asked for, so that the names of the data sets cost nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seesaw_nas.data.catalog import DATA_SETS, NAMES, ONE_SIZE, default_space, image_sizes, load, load_test, test_images
from seesaw_nas.data.progress import Progress

if TYPE_CHECKING:
    from seesaw_nas.data.augment import normalise
    from seesaw_nas.data.images import Draw, Images, SearchData, Split, channel_means
    from seesaw_nas.data.stream import Streamed
    from seesaw_nas.data.subsets import check_enough, check_fits, cut, subset

__all__ = [
    "DATA_SETS",
    "NAMES",
    "ONE_SIZE",
    "Draw",
    "Images",
    "Progress",
    "SearchData",
    "Split",
    "Streamed",
    "channel_means",
    "check_enough",
    "check_fits",
    "cut",
    "default_space",
    "image_sizes",
    "load",
    "load_test",
    "normalise",
    "subset",
    "test_images",
]

_WITH_TORCH = {
    "normalise": "augment",
    "Streamed": "stream",
    **dict.fromkeys(("Draw", "Images", "SearchData", "Split", "channel_means"), "images"),
    **dict.fromkeys(("check_enough", "check_fits", "cut", "subset"), "subsets"),
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)
