import subprocess
import sys

import pytest

from seesaw_nas.data import NAMES, load, load_test
from seesaw_nas.errors import DataError


def test_the_names_are_these():
    assert NAMES == ("digits", "cifar10", "cifar100")


@pytest.mark.parametrize("door", [load, load_test])
def test_an_unknown_name_lists_the_known_ones(door):
    with pytest.raises(DataError) as error:
        door("cifar1O")
    assert str(error.value) == (
        "unknown data set 'cifar1O', did you mean 'cifar10'? (known: digits, cifar10, cifar100); "
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
def test_every_data_set_gives_stratified_uint8_splits(name, tiny_cifar):
    data, test = load(name, tiny_cifar), load_test(name, tiny_cifar)
    assert data.name == name
    for part in (data.train, data.validation, test):
        assert part.images.shape[1:] == data.input
        assert part.labels.min() >= 0
        assert part.labels.max() < len(data.classes)
    for part in (data.train, data.validation):
        assert len(part.labels.unique()) == len(data.classes)
    assert len(data.mean) == len(data.std) == data.input[0]


def test_importing_the_package_leaves_the_heavy_libraries_alone():
    code = (
        "import sys, seesaw_nas.data; print(sorted({'PIL', 'pooch', 'sklearn', 'rich', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
