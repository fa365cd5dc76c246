import subprocess
import sys

import pytest
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import NAMES, load, load_test


def test_the_names_are_these():
    assert NAMES[:4] == ("digits", "cifar10", "cifar100", "imagenet")


@pytest.mark.parametrize("door", [load, load_test])
def test_an_unknown_name_lists_the_known_ones(door):
    with pytest.raises(DataError) as error:
        door("cifar1O")
    assert str(error.value) == (
        f"unknown data set 'cifar1O', did you mean 'cifar10'? (known: {', '.join(NAMES)}); "
        "the path of a folder of images by class also works"
    )


@pytest.mark.parametrize("name", ["", "folder:"])
def test_no_name_is_not_the_current_folder(name):
    with pytest.raises(DataError, match="unknown data set"):
        load(name)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=rf"there is no folder {tmp_path / 'x'}; wanted one with a folder of images"):
        load(f"folder:{tmp_path / 'x'}")


def test_an_image_size_below_one_is_refused():
    with pytest.raises(DataError, match="an image size is a positive number of pixels, got 0"):
        load("digits", image_size=0)


# One contract for every data set: what any of them gives to a search.
@pytest.mark.parametrize("name", NAMES)
def test_every_data_set_gives_stratified_uint8_splits(name, tiny_cifar, tiny_imagenet):
    place = tiny_imagenet if name == "imagenet" else tiny_cifar
    data, test = load(name, place), load_test(name, place)
    assert data.name == name
    for part in (data.train, data.validation, test):
        assert part.shape == data.input
        batches = list(part.batches_in_order(2))
        assert sum(len(labels) for _, labels in batches) == len(part)
        assert all(images.dtype == torch.uint8 and images.shape[1:] == data.input for images, _ in batches)
        assert torch.equal(torch.cat([labels for _, labels in batches]), part.labels)
        assert torch.equal(part.first(3), part.in_memory().images[:3])
        assert part.labels.min() >= 0
        assert part.labels.max() < len(data.classes)
    for part in (data.train, data.validation):
        assert len(part.labels.unique()) == len(data.classes)
    assert len(data.mean) == len(data.std) == data.input[0]


@pytest.mark.parametrize("name", ["digits", "cifar10"])
def test_small_sets_have_no_cache(name, tmp_path):
    with pytest.raises(DataError, match=f"{name} needs no --cache-dir: its images are small"):
        load(name, cache_dir=tmp_path)


def test_importing_the_package_leaves_the_heavy_libraries_alone():
    heavy = "{'torch', 'numpy', 'PIL', 'pooch', 'sklearn', 'rich', 'requests'}"
    code = f"import sys, seesaw_nas.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
