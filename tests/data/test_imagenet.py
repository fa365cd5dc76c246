import os

import pytest

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import Streamed, load, load_test


def names(images):
    return {os.fsdecode(name) for name in images.files}


def test_validation_is_held_out_of_train_and_val_is_the_test_split(tiny_imagenet):
    data, test = load("imagenet", tiny_imagenet, 16), load_test("imagenet", tiny_imagenet, 16)
    assert data.name == "imagenet"
    assert data.classes == ("n01", "n02")
    # 4% of 60 are 2.4, so 2: one a class
    assert data.validation.labels.bincount().tolist() == [1, 1]
    assert data.train.labels.bincount().tolist() == [29, 29]
    assert test.labels.tolist() == [0] * 4 + [1] * 4
    assert not names(data.train) & names(data.validation)
    assert all("/train/" in name for name in names(data.train) | names(data.validation))
    assert all("/val/" in name for name in names(test))


def test_images_are_224_pixels_unless_asked_and_always_streamed(tiny_imagenet):
    data = load("imagenet", tiny_imagenet)
    assert isinstance(data.train, Streamed)
    assert (data.input, data.padding, data.flip) == ((3, 224, 224), 0, True)


@pytest.mark.parametrize("door", [load, load_test])
def test_without_a_folder_it_says_what_is_wanted(door):
    with pytest.raises(DataError) as error:
        door("imagenet")
    assert str(error.value) == (
        "imagenet cannot be downloaded: name the folder that holds train/ and val/, each with a folder of images a "
        "class, by --data-dir"
    )


def test_the_unsorted_validation_images_of_the_archive_are_refused(tmp_path, photos):
    photos(tmp_path / "train" / "n01", 2)
    photos(tmp_path / "train" / "n02", 2)
    photos(tmp_path / "val", 4)
    with pytest.raises(DataError, match=rf"{tmp_path / 'val'} has no class folders; --data-dir wants the folder that"):
        load("imagenet", tmp_path)


def test_test_images_of_other_classes_are_refused_before_any_training(tiny_imagenet):
    (tiny_imagenet / "val" / "n02").rename(tiny_imagenet / "val" / "n03")
    with pytest.raises(DataError, match=r"differ in classes \(n02, n03\)"):
        load("imagenet", tiny_imagenet, 16)


def test_a_class_of_one_image_cannot_be_split(tmp_path, photos):
    for label, count in (("n01", 2), ("n02", 1)):
        photos(tmp_path / "train" / label, count)
        photos(tmp_path / "val" / label, 1)
    with pytest.raises(DataError, match="into train and validation: class n02 has 1 image, wanted at least 2"):
        load("imagenet", tmp_path)
