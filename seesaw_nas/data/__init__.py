"""Data sets: images in memory as uint8, their fixed train, validation and test splits, and batched augmentation.

:func:`load` gives what a search may see, training and validation images; :func:`load_test` is the only door to the test
split. Splits are stratified by class and seeded by a constant, so every run and every machine has the same ones.
"""

from seesaw_nas.data.augment import augment, crop, flip, normalise
from seesaw_nas.data.catalog import NAMES, load, load_test
from seesaw_nas.data.images import Images, SearchData, subset
from seesaw_nas.data.progress import Progress

__all__ = [
    "NAMES",
    "Images",
    "Progress",
    "SearchData",
    "augment",
    "crop",
    "flip",
    "load",
    "load_test",
    "normalise",
    "subset",
]
