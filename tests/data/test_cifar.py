import os
from pathlib import Path

import numpy as np
import pytest
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import cifar, load, load_test

REAL = os.environ.get("SEESAW_NAS_DATA_DIR")
needs_real_data = pytest.mark.skipif(REAL is None, reason="SEESAW_NAS_DATA_DIR names no folder with the CIFAR files")


def test_the_full_files_have_the_official_sizes():
    # 10,000 records of 1 + 3,072 bytes; CIFAR-100: 50,000 and 10,000 records of 2 + 3,072 bytes
    sizes = {
        name: (layout.train_records * (len(layout.labels) + 3072), layout.test_records * (len(layout.labels) + 3072))
        for name, layout in cifar.LAYOUTS.items()
    }
    assert sizes == {"cifar10": (30_730_000, 30_730_000), "cifar100": (153_700_000, 30_740_000)}


def test_nine_tenths_train_and_one_tenth_validates(tiny_cifar):
    data = load("cifar10", tiny_cifar)
    # 5 files of 40 images, 20 of each of the ten classes: 2 of each are held out
    assert data.train.labels.bincount().tolist() == [18] * 10
    assert data.validation.labels.bincount().tolist() == [2] * 10
    assert (data.name, data.input, data.padding, data.flip) == ("cifar10", (3, 32, 32), 4, True)
    assert data.classes == tuple(f"class {i}" for i in range(10))
    assert len(load_test("cifar10", tiny_cifar)) == 20


def test_pixels_are_read_as_red_green_and_blue_planes(tiny_cifar):
    path = tiny_cifar / "cifar-10-batches-bin" / "test_batch.bin"
    image = np.arange(3072) % 251
    record = np.concatenate([[7], image]).astype(np.uint8)
    path.write_bytes(record.tobytes() + path.read_bytes()[3073:])
    test = load_test("cifar10", tiny_cifar)
    assert test.labels[0] == 7
    # second row, third column of the green plane: byte 1024 + 32 + 2 = 1058 after the label, 1058 % 251 = 54
    assert test.images[0, 1, 1, 2] == 54
    assert test.images[0].flatten().tolist() == image.tolist()


def test_cifar100_has_its_fine_labels(tiny_cifar):
    data = load("cifar100", tiny_cifar)
    # 400 images, 4 of each of the 100 classes; at least one of each is held out
    assert len(data.classes) == 100
    assert data.train.labels.bincount().tolist() == [3] * 100
    assert load_test("cifar100", tiny_cifar).labels.tolist() == list(range(20))


def test_no_image_is_in_two_splits(tiny_cifar):
    data = load("cifar10", tiny_cifar)
    parts = (data.train, data.validation, load_test("cifar10", tiny_cifar))
    assert len({image.numpy().tobytes() for part in parts for image in part.images}) == 220


def test_the_split_is_the_same_every_time(tiny_cifar):
    first, again = load("cifar10", tiny_cifar), load("cifar10", tiny_cifar)
    assert torch.equal(first.validation.images, again.validation.images)


def test_the_folder_itself_may_be_named(tiny_cifar):
    assert len(load("cifar10", tiny_cifar / "cifar-10-batches-bin").train) == 180


def test_a_search_works_without_the_test_file(tiny_cifar):
    path = tiny_cifar / "cifar-10-batches-bin" / "test_batch.bin"
    path.unlink()
    assert len(load("cifar10", tiny_cifar).train) == 180
    with pytest.raises(DataError, match=rf"{path} is missing, wanted 61,460 bytes; unpack .*--data-dir"):
        load_test("cifar10", tiny_cifar)


def test_a_truncated_file_is_named_with_both_sizes(tiny_cifar):
    path = tiny_cifar / "cifar-10-batches-bin" / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError) as error:
        load("cifar10", tiny_cifar)
    # 40 records of 3,073 bytes
    assert str(error.value).startswith(f"{path} is 1,000 bytes, wanted 122,920 bytes; unpack https://")
    assert "\n" not in str(error.value)


def test_a_full_size_file_cut_by_one_byte_is_refused_unread(tmp_path):
    path = tmp_path / "train.bin"
    with path.open("wb") as file:
        file.truncate(153_699_999)  # sparse: takes no disk
    with pytest.raises(DataError, match=r"train.bin is 153,699,999 bytes, wanted 153,700,000 bytes"):
        load("cifar100", tmp_path)


@pytest.mark.parametrize(("name", "column", "byte", "largest"), [("cifar10", 0, 10, 9), ("cifar100", 1, 100, 99)])
def test_a_label_that_does_not_exist_is_refused(tiny_cifar, name, column, byte, largest):
    layout = cifar.LAYOUTS[name]
    path = tiny_cifar / layout.folder / layout.test
    content = bytearray(path.read_bytes())
    content[5 * (len(layout.labels) + 3072) + column] = byte
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path}: image 5 has label {byte}, wanted 0 to {largest}; unpack"):
        load_test(name, tiny_cifar)


def test_class_names_that_are_missing_or_too_few_are_refused(tiny_cifar):
    path = tiny_cifar / "cifar-10-batches-bin" / "batches.meta.txt"
    path.write_text("airplane\nautomobile\n")
    with pytest.raises(DataError, match=rf"{path} names 2 classes, wanted 10 lines"):
        load("cifar10", tiny_cifar)
    path.unlink()
    with pytest.raises(DataError, match=rf"{path} is missing, wanted 10 lines"):
        load("cifar10", tiny_cifar)


@pytest.mark.parametrize("size", [64, 20])
def test_another_image_size_is_refused(tiny_cifar, size):
    assert load("cifar10", tiny_cifar, image_size=32).input == (3, 32, 32)
    told = f"images of cifar10 are 32 x 32 pixels, or 16 x 16 or 8 x 8 by averaging, got image size {size}"
    with pytest.raises(DataError, match=told):
        load("cifar10", tiny_cifar, image_size=size)


def test_smaller_images_are_means_over_squares(tiny_cifar):
    path = tiny_cifar / "cifar-10-batches-bin" / "test_batch.bin"
    plane = np.zeros((32, 32), dtype=np.uint8)
    plane[2:4, 4:6] = [[10, 20], [30, 43]]  # mean 25.75
    record = np.concatenate([[7], plane.ravel(), plane.ravel(), plane.ravel()]).astype(np.uint8)
    path.write_bytes(record.tobytes() + path.read_bytes()[3073:])
    image = load_test("cifar10", tiny_cifar, image_size=16).images[0]
    assert image.shape == (3, 16, 16)
    assert image[0, 1, 2] == 26
    assert image.sum() == 3 * 26
    data = load("cifar10", tiny_cifar, image_size=16)
    assert (data.input, data.padding, len(data.train)) == ((3, 16, 16), 2, 180)


# The means and deviations of all 50,000 training images that CIFAR recipes quote, to four and three digits; ours are of
# 45,000 of them, and 5,000 images move a mean by a few parts in ten thousand.
QUOTED = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.247, 0.243, 0.262)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.267, 0.256, 0.276)),
}


@pytest.mark.real_data
@needs_real_data
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_real_images_have_the_known_sizes_classes_and_means(name):
    data = load(name, Path(REAL))
    classes = len(data.classes)
    assert data.train.labels.bincount().tolist() == [45_000 // classes] * classes
    assert data.validation.labels.bincount().tolist() == [5_000 // classes] * classes
    assert load_test(name, Path(REAL)).labels.bincount().tolist() == [10_000 // classes] * classes
    assert data.mean == pytest.approx(QUOTED[name][0], abs=2e-3)
    assert data.std == pytest.approx(QUOTED[name][1], abs=2e-3)


@pytest.mark.real_data
@needs_real_data
def test_the_real_classes_have_their_names():
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    assert load("cifar10", Path(REAL)).classes == names
