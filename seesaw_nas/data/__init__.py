"""Data sets: uint8 images in memory or streamed, their fixed train, validation and test splits, and augmentation.

:func:`load` returns what a search may use, training and validation images; only :func:`load_test` returns the test
split. Splits are stratified by class with a fixed seed, so every run and every machine has the same ones.
"""

from seesaw_nas.data.augment import augment, normalise
from seesaw_nas.data.catalog import NAMES, ONE_SIZE, load, load_test
from seesaw_nas.data.images import Draw, Images, SearchData, Split, channel_means, check_fits, subset
from seesaw_nas.data.progress import Progress
from seesaw_nas.data.stream import Streamed

__all__ = [
    "NAMES",
    "ONE_SIZE",
    "Draw",
    "Images",
    "Progress",
    "SearchData",
    "Split",
    "Streamed",
    "augment",
    "channel_means",
    "check_fits",
    "load",
    "load_test",
    "normalise",
    "subset",
]
