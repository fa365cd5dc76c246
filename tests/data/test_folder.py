import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import load, load_test
from seesaw_nas.data.decode import read
from seesaw_nas.data.folder import listing, read_tree
from seesaw_nas.data.walk import passed_over, subfolders


def write_images(folder, count, seed=0, suffix=".png", size=(12, 10)):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03d}{suffix}")


@pytest.fixture
def flat(tmp_path):
    """Two classes, 20 and 40 images."""
    write_images(tmp_path / "photos" / "dog", 40, seed=1)
    write_images(tmp_path / "photos" / "cat", 20, seed=2)
    return tmp_path / "photos"


def unique_images(*parts):
    return {image.numpy().tobytes() for part in parts for image in part.images}


def test_a_flat_folder_is_split_70_15_15_by_class(flat):
    data, test = load(str(flat), image_size=8), load_test(str(flat), image_size=8)
    assert data.classes == ("cat", "dog")
    # 15% of 60 is 9: 3 cats and 6 dogs
    assert test.labels.bincount().tolist() == data.validation.labels.bincount().tolist() == [3, 6]
    assert data.train.labels.bincount().tolist() == [14, 28]
    assert len(unique_images(data.train, data.validation, test)) == 60


def test_a_folder_data_set_is_square_colour_mirrored_and_can_be_loaded_by_its_name(flat):
    data = load(f"folder:{flat}", image_size=8)
    assert (data.input, data.padding, data.flip) == ((3, 8, 8), 1, True)
    assert data.name == f"folder:{flat.resolve()}"
    assert torch.equal(load(data.name, image_size=8).train.images, data.train.images)


def test_without_a_size_images_are_224_pixels(flat):
    data = load(str(flat))
    assert (data.input, data.padding) == ((3, 224, 224), 28)


def test_the_split_follows_the_names_and_not_the_order_on_disk(flat, tmp_path):
    copy = tmp_path / "copy"
    for path in sorted(flat.rglob("*.png"), reverse=True):
        target = copy / path.relative_to(flat)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert torch.equal(load(str(flat), image_size=8).train.images, load(str(copy), image_size=8).train.images)


def test_a_search_does_not_open_the_test_images(flat):
    before = unique_images(load(str(flat), image_size=8).train)
    test, spoilt = unique_images(load_test(str(flat), image_size=8)), 0
    for path in flat.rglob("*.png"):
        if read(path, 8).tobytes() in test:
            path.write_bytes(b"not an image")
            spoilt += 1
    # 9 test images; an attempt to read them would be an error, for more than one in a hundred of 60 is unreadable
    assert spoilt == 9
    assert unique_images(load(str(flat), image_size=8).train) == before


@pytest.mark.parametrize("name", ["val", "validation"])
def test_a_split_on_disk_is_kept(tmp_path, name):
    for part, count in (("train", 5), (name, 2), ("test", 3)):
        for seed, label in enumerate("ab"):
            write_images(tmp_path / part / label, count, seed=seed)
    data = load(str(tmp_path), image_size=8)
    assert data.train.labels.bincount().tolist() == [5, 5]
    assert data.validation.labels.tolist() == [0, 0, 1, 1]
    assert load_test(str(tmp_path), image_size=8).labels.tolist() == [0] * 3 + [1] * 3


def test_the_first_training_images_are_of_all_classes(flat):
    # 42 images, 14 and 28; a recalibration on the first of them must not see one class only. Of 12 in random order
    # all are of one class with a probability of 0.7%; the order is fixed.
    first = load(str(flat), image_size=8).train.labels[:12]
    assert sorted(first.unique().tolist()) == [0, 1]


def test_a_train_folder_alone_gives_up_a_part_for_validation_and_has_no_test(tmp_path):
    for seed, label in enumerate("ab"):
        write_images(tmp_path / "train" / label, 20, seed=seed)
    data = load(str(tmp_path), image_size=8)
    # 15% of 40 is 6
    assert (len(data.train), data.validation.labels.tolist()) == (34, [0] * 3 + [1] * 3)
    with pytest.raises(DataError, match=rf"{tmp_path} has no test split: add {tmp_path / 'test'} with"):
        load_test(str(tmp_path), image_size=8)


def test_a_class_may_be_called_train(tmp_path):
    for seed, label in enumerate(("bus", "train")):
        write_images(tmp_path / label, 5, seed=seed)
    assert load(str(tmp_path), image_size=8).classes == ("bus", "train")


def test_too_few_images_for_three_splits_are_refused(tmp_path):
    write_images(tmp_path / "many", 9)
    write_images(tmp_path / "one", 1)
    with pytest.raises(DataError) as error:
        load(str(tmp_path), image_size=8)
    assert str(error.value) == (
        f"cannot split {tmp_path} into train, validation and test: class one has 1 image, wanted at least 3 "
        "(1 of 2 classes have fewer); add images or make train, val and test folders"
    )


def test_classes_that_differ_between_splits_are_refused(tmp_path):
    for part, labels in (("train", "abc"), ("val", "abd")):
        for label in labels:
            write_images(tmp_path / part / label, 1)
    with pytest.raises(DataError, match=r"differ in classes \(c, d\)"):
        load(str(tmp_path), image_size=8)


def test_two_validation_folders_are_refused(tmp_path):
    for part in ("train", "val", "validation"):
        for label in "ab":
            write_images(tmp_path / part / label, 1)
    with pytest.raises(DataError, match="has both val and validation; keep one"):
        load(str(tmp_path), image_size=8)


def test_a_folder_without_classes_or_with_one_is_refused(tmp_path):
    with pytest.raises(DataError, match="has 0 class folders, wanted at least 2"):
        load(str(tmp_path))
    write_images(tmp_path / "only", 3)
    with pytest.raises(DataError, match="has 1 class folders, wanted at least 2"):
        load(str(tmp_path))


def test_an_empty_class_is_refused_and_hidden_files_are_no_images(tmp_path):
    write_images(tmp_path / "a", 3)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "._000.png").write_bytes(b"")
    (tmp_path / "b" / "notes.txt").write_text("none")
    (tmp_path / ".cache").mkdir()
    with pytest.raises(DataError, match=rf"class folder {tmp_path / 'b'} has no images \(\.jpg, \.png or another"):
        load(str(tmp_path))


# --- everything below a class is read, or counted and named


def save_one(path, shade=9):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 5), (shade, shade // 2, 255 - shade)).save(path)


def relative(files, root):
    return [path.relative_to(root).as_posix() for path in files.paths]


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".gif", ".jfif", ".ppm", ".pgm", ".jp2", ".ico", ".tga", ".pcx"])
def test_every_format_that_pillow_reads_is_read(tmp_path, suffix):
    for label in "ab":
        for number in range(2):
            save_one(tmp_path / "train" / label / f"{number}{suffix}", 10 + 90 * number)
        save_one(tmp_path / "valid" / label / f"0{suffix}")
    data = load(str(tmp_path), image_size=4)
    assert (len(data.train), len(data.validation), data.passed_over.count) == (4, 2, 0)


def test_sub_folders_are_read_and_the_rest_is_counted_and_named(tmp_path):
    for label in "ab":
        for name in ("3.png", "day/1.png", "day/noon/2.gif", "night/1.png", "x.png"):
            save_one(tmp_path / label / name, shade=len(name) * 9)
    for name in ("a/day/notes.txt", "a/Thumbs.db", "b/.DS_Store", "b/film.mp4", "b/drawing.eps", "read.me"):
        (tmp_path / name).touch()
    save_one(tmp_path / "b" / ".checkpoints" / "1.png")
    tree = read_tree(tmp_path)
    every = [*tree.train.paths, *tree.validation.paths, *tree.test.paths]
    names = ["3.png", "day/1.png", "day/noon/2.gif", "night/1.png", "x.png"]
    assert sorted(every) == sorted(tmp_path / label / name for label in "ab" for name in names)
    assert relative(listing(tmp_path, ("a", "b")), tmp_path) == [f"{label}/{name}" for label in "ab" for name in names]
    assert tree.passed_over.count == 7
    assert tree.passed_over.names == (
        "read.me", "a/Thumbs.db", "a/day/notes.txt", "b/.DS_Store", "b/.checkpoints/", "b/drawing.eps", "b/film.mp4",
    )  # fmt: skip
    assert tree.passed_over.sentence == "7 passed over: read.me, a/Thumbs.db, a/day/notes.txt, ..."
    assert load(str(tmp_path), image_size=4).passed_over == tree.passed_over


@pytest.mark.parametrize("name", ["valid", "validation", "val", "dev", "Valid"])
def test_what_stands_beside_the_splits_is_named(tmp_path, name):
    for part in ("Train", name, "testing", "extra"):
        for label in "ab":
            save_one(tmp_path / part / label / "0.png", 30)
            save_one(tmp_path / part / label / "1.png", 200)
    (tmp_path / "labels.csv").touch()
    (tmp_path / name / "labels.csv").touch()
    data = load(str(tmp_path), image_size=4)
    assert (data.classes, len(data.train), len(data.validation)) == (("a", "b"), 4, 4)
    assert len(load_test(str(tmp_path), image_size=4)) == 4
    assert data.passed_over.names == ("extra/", "labels.csv", f"{name}/labels.csv")


def test_of_more_than_a_hundred_the_first_are_named(tmp_path):
    for label in "ab":
        save_one(tmp_path / label / "0.png")
    for number in range(150):
        (tmp_path / "a" / f"{number:03d}.txt").touch()
    found = passed_over(tmp_path, listing(tmp_path, ("a", "b")).passed_over)
    assert (found.count, len(found.names), found.names[99]) == (150, 100, "a/099.txt")


def test_links_are_followed_and_their_loops_end(tmp_path):
    root = tmp_path / "root"
    for label in "ab":
        for number in range(3):
            save_one(root / label / f"{number}.png")
    save_one(tmp_path / "elsewhere" / "far.png")
    links = {
        "a/link": "../../elsewhere",
        "a/again": "../../elsewhere",
        "a/self": ".",
        "a/up": "..",
        "a/above": str(tmp_path),
        "b/gone.png": "nowhere.png",
        "b/one.png": "two.png",
        "b/two.png": "one.png",
        "loop": ".",
    }
    for place, target in links.items():
        (root / place).symlink_to(target)
    assert subfolders(root) == ("a", "b")
    found = listing(root, ("a", "b"))
    assert relative(found, root) == [
        "a/0.png",
        "a/1.png",
        "a/2.png",
        "a/again/far.png",
        "b/0.png",
        "b/1.png",
        "b/2.png",
    ]
    assert passed_over(root, found.passed_over).names == (
        "loop/", "a/above/", "a/link/", "a/self/", "a/up/", "b/gone.png", "b/one.png", "b/two.png",
    )  # fmt: skip


@pytest.mark.parametrize("bad", [b"gr\xfcn", b"\xff"])
def test_a_class_that_no_file_could_name_is_refused_at_once(tmp_path, bad):
    for label in (b"a", bad):
        (tmp_path / os.fsdecode(label)).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / os.fsdecode(label) / "0.png")
    shown = bad.decode("utf-8", "backslashreplace")
    with pytest.raises(DataError) as error:
        load(str(tmp_path), image_size=4)
    assert str(error.value) == (
        f"the name of the class folder {shown} in {tmp_path} is not UTF-8, so it cannot be written into the files of a "
        "run; rename it"
    )


def test_a_picture_may_have_a_name_that_is_not_utf_8(tmp_path):
    for label in "ab":
        for number in range(40):
            save_one(tmp_path / label / os.fsdecode(b"\xfc%d.png" % number), 3 * number)
    read_tree(tmp_path).train.paths[0].write_bytes(b"gone")
    # 80 less the 15% of the test split
    with pytest.raises(DataError, match=r"1 of 68 images cannot be read: .*/a/\\xfc\d+.png") as error:
        load(str(tmp_path), image_size=4)
    assert str(error.value).isascii()
