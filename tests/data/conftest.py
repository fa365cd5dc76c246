"""Small stand-ins for the CIFAR files: the official layout, but few images in each file."""

from dataclasses import replace

import numpy as np
import pytest

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
