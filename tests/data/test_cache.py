import errno
import os

import numpy as np
import pytest
from PIL import Image

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import Streamed, crops, folder, load, load_test
from seesaw_nas.data.cache import cache_copies

SIZE = 14  # the short side of a copy is 16


def copies(source, target, **options):
    return cache_copies(sorted(source.iterdir()), target, SIZE, workers=0, **options)


def test_copies_are_small_upright_and_show_what_the_originals_do(tmp_path, photos):
    photos(tmp_path / "a", 3, size=(80, 60))
    paths, positions = copies(tmp_path / "a", tmp_path / "cache")
    assert positions.tolist() == [0, 1, 2]
    for original, copy in zip(sorted((tmp_path / "a").iterdir()), paths, strict=True):
        with Image.open(copy) as image:
            assert (image.size, image.format) == ((21, 16), "JPEG")  # 80 x 60 with a short side of 16: 21.3 wide
        difference = crops.centre_crop(copy, SIZE).astype(int) - crops.centre_crop(original, SIZE)
        assert np.abs(difference).mean() < 8  # of 255; colours of so small a JPEG are coarse


def test_a_later_run_finds_the_copies_and_writes_none(tmp_path, photos):
    photos(tmp_path / "a", 3)
    before, _ = copies(tmp_path / "a", tmp_path / "cache")
    written = [path.stat().st_mtime_ns for path in before]
    seen = []
    after, _ = copies(tmp_path / "a", tmp_path / "cache", progress=lambda *told: seen.append(told))
    assert before == after
    assert written == [path.stat().st_mtime_ns for path in after]
    assert seen == []


def test_a_changed_original_gets_another_copy(tmp_path, photos):
    photos(tmp_path / "a", 2)
    before, _ = copies(tmp_path / "a", tmp_path / "cache")
    os.utime(tmp_path / "a" / "001.JPEG", ns=(1, 1))
    after, _ = copies(tmp_path / "a", tmp_path / "cache")
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_progress_counts_the_copies(tmp_path, photos):
    photos(tmp_path / "a", 20)
    seen = []
    copies(tmp_path / "a", tmp_path / "cache", progress=lambda *told: seen.append(told))
    assert seen == [("copying images to the cache", 16, 20), ("copying images to the cache", 20, 20)]


def test_unreadable_images_are_named_and_skipped_and_leave_no_copy(tmp_path, photos):
    photos(tmp_path / "a", 100, size=(8, 6))
    (tmp_path / "a" / "007.JPEG").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"skipped: 1 of 100 images cannot be read: .*007.JPEG \(Unidentified"):
        paths, positions = copies(tmp_path / "a", tmp_path / "cache")
    assert positions.tolist() == [*range(7), *range(8, 100)]
    assert len(paths) == len(list((tmp_path / "cache").rglob("*.*"))) == 99
    (tmp_path / "a" / "008.JPEG").unlink()
    (tmp_path / "a" / "008.JPEG").mkdir()
    with pytest.raises(DataError, match="2 of 100 images cannot be read"):
        copies(tmp_path / "a", tmp_path / "cache")


def test_a_full_disk_is_told_as_the_system_does_and_leaves_no_part(tmp_path, photos, monkeypatch):
    photos(tmp_path / "a", 1)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("seesaw_nas.data.cache.os.replace", full)
    with pytest.raises(OSError, match="No space left") as error:
        copies(tmp_path / "a", tmp_path / "cache")
    assert error.value.errno == errno.ENOSPC
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_named_cache_streams_a_folder_from_its_copies(tmp_path, photos):
    for number, label in enumerate("ab"):
        photos(tmp_path / "photos" / label, 60, seed=number)
    tree = folder.read_tree(tmp_path / "photos")
    spoilt = tree.train.paths[0]
    spoilt.write_bytes(b"no image")
    with pytest.warns(UserWarning, match="skipped: 1 of 102"):  # 120 less 15% for the test split
        data = load(str(tmp_path / "photos"), image_size=SIZE, cache_dir=tmp_path / "cache")
    assert isinstance(data.train, Streamed)
    assert len(data.train) == len(tree.train.paths) - 1
    assert data.validation.labels.tolist() == tree.validation.labels.tolist()
    assert all(os.fsdecode(name).startswith(str(tmp_path / "cache")) for name in data.train.files)
    assert len(list((tmp_path / "cache").rglob("*.jpg"))) == 101
    assert isinstance(load_test(str(tmp_path / "photos"), image_size=SIZE, cache_dir=tmp_path / "cache"), Streamed)
