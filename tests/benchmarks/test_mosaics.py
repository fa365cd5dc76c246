"""CIFAR-10 packed into mosaics for a machine without a network, and unpacked there."""

import sys
from pathlib import Path

import numpy as np
import pytest

import seesaw_nas

FOLDER = Path(seesaw_nas.__file__).parent.parent / "benchmarks"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks/ is in a clone alone")
NAMES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture
def mosaics(monkeypatch):
    """The script, with mosaics of two rows and three columns."""
    monkeypatch.syspath_prepend(str(FOLDER))
    from gpu_parts import mosaics

    monkeypatch.setattr(mosaics, "ROWS", 2)
    monkeypatch.setattr(mosaics, "COLUMNS", 3)
    return mosaics


@pytest.fixture
def cifar(tmp_path):
    """A folder like CIFAR-10's, of 30 images a file."""
    folder, rng = tmp_path / "whole" / "cifar-10-batches-bin", np.random.default_rng(0)
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("airplane\n")
    for name in NAMES:
        records = rng.integers(0, 256, (30, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        records.tofile(folder / f"{name}.bin")
    return folder.parent


def call(mosaics, monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["mosaics.py", *map(str, words)])
    mosaics.main()


def test_unpacked_files_are_the_same_bytes(mosaics, cifar, tmp_path, monkeypatch):
    parts = tmp_path / "parts"
    call(mosaics, monkeypatch, "pack", cifar, "--out", parts, "--room", 300_000, 1_000_000)
    sizes = [sum(path.stat().st_size for path in (parts / name).iterdir()) for name in ("1", "2")]
    assert 0 < sizes[0] <= 300_000 < sum(sizes)
    call(mosaics, monkeypatch, "unpack", parts / "1", parts / "2", "--out", tmp_path / "again")
    for path in (cifar / "cifar-10-batches-bin").iterdir():
        assert (tmp_path / "again" / "cifar-10-batches-bin" / path.name).read_bytes() == path.read_bytes()


def test_a_pixel_of_a_record_is_where_it_was_in_its_plane(mosaics):
    # the second image of a mosaic begins 32 pixels to the right; red is the first plane, row 1 its values 32 to 63
    records = np.zeros((6, 3073), dtype=np.uint8)
    records[1, 1 + 32 + 5], records[1, 1 + 1024], records[5, 0] = 7, 8, 9
    picture = np.asarray(mosaics.mosaic(records))
    assert picture.shape == (64, 96, 3)
    assert (picture[1, 32 + 5, 0], picture[0, 32, 1], picture.astype(int).sum()) == (7, 8, 15)


def test_too_little_room_and_a_missing_part_are_refused(mosaics, cifar, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"more than 100,000 bytes in 1 parts; give a further --room"):
        call(mosaics, monkeypatch, "pack", cifar, "--out", tmp_path / "parts", "--room", 100_000)
    with pytest.raises(SystemExit, match=r"data_batch_[1-5]-\d is in none of .*; name every folder that pack made"):
        call(mosaics, monkeypatch, "unpack", tmp_path / "parts" / "1", "--out", tmp_path / "again")
