"""Small stand-ins for CIFAR and ImageNet: the official layouts, but few images."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from seesaw_nas.data import cifar

TRAIN_RECORDS, TEST_RECORDS = 40, 20


def write_records(path, labels, count, seed):
    """``count`` records with random pixels whose label bytes run through 0..limit-1 in turn."""
    columns = [np.arange(count) % limit for limit in labels]
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 3072))
    np.column_stack([*columns, pixels]).astype(np.uint8).tofile(path)


def write_cifar(folder, layout):
    folder.mkdir(parents=True)
    for seed, name in enumerate(layout.train):
        write_records(folder / name, layout.labels, layout.train_records, seed)
    write_records(folder / layout.test, layout.labels, layout.test_records, 99)
    (folder / layout.names).write_text("".join(f"class {i}\n" for i in range(layout.labels[-1])) + "\n")


@pytest.fixture
def tiny_cifar(tmp_path, monkeypatch):
    """A folder with both CIFAR sets, each file cut to a few records, and the layouts that say so."""
    for name, layout in list(cifar.LAYOUTS.items()):
        # a hundred classes want a hundred training images at least, and as many again to hold out
        train = TRAIN_RECORDS if name == "cifar10" else 10 * TRAIN_RECORDS
        small = replace(layout, train_records=train, test_records=TEST_RECORDS)
        monkeypatch.setitem(cifar.LAYOUTS, name, small)
        write_cifar(tmp_path / "data" / small.folder, small)
    return tmp_path / "data"


def write_photos(folder, count, seed=0, size=(40, 30)):
    """JPEG files of a few hundred bytes, each smooth and different from all others."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{i:03d}.JPEG")


@pytest.fixture
def tiny_imagenet(tmp_path):
    """Two classes of 30 training and 4 validation images."""
    for number, label in enumerate(("n01", "n02")):
        write_photos(tmp_path / "imagenet" / "train" / label, 30, seed=number)
        write_photos(tmp_path / "imagenet" / "val" / label, 4, seed=10 + number)
    return tmp_path / "imagenet"


@pytest.fixture
def photos():
    """The function that writes such files."""
    return write_photos
