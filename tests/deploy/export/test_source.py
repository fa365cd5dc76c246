"""Weights and what they say: read where they fit, refused in one line where they do not."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

from seesaw_nas import data
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import OptionError, RunError, SpecError
from seesaw_nas.core.files import write_json
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.deploy.export.source import PICKLES, load
from seesaw_nas.network import models


def saved(path, architecture, **header):
    models.save_weights(models.build(architecture, seed=0), path, header)
    return path


def test_header_of_a_training_is_enough(named, weights, source):
    with safe_open(weights, framework="pt") as file:
        header = file.metadata()
    assert header["digest"] == named.architecture.digest
    assert Preprocessing.from_json(header["preprocessing"]) == Preprocessing.of(data.load("digits"))
    assert source.preprocessing == Preprocessing.of(data.load("digits"))
    assert source.dataset == "digits"
    assert not source.model.training


def test_result_is_that_of_the_training_that_wrote_the_weights(named, weights, tmp_path):
    assert load(named, weights).named.result["split"] == "test"
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())
    assert load(named, copy).named.result == {}  # nothing beside them says how they came about
    other = replace(named.architecture, head=Head(32))
    write_json(tmp_path / "spec.json", specfile.document(Named("other", other), {"top1": 0.5}))
    assert load(named, copy).named.result == {}


def test_other_codes_weights_take_the_data_set_that_is_named(named, tmp_path):
    path = saved(tmp_path / "w.safetensors", named.architecture)
    with pytest.raises(OptionError) as caught:
        load(named, path)
    assert str(caught.value) == (
        f"the weights in {path} do not say how their images were normalised; export them with --dataset, naming what "
        "they were trained on"
    )
    assert load(named, path, dataset="digits").preprocessing == Preprocessing.of(data.load("digits"))


def test_data_set_that_does_not_fit_is_refused(named, tmp_path, tiny_folder):
    path = saved(tmp_path / "w.safetensors", named.architecture)
    with pytest.raises(SpecError, match=r"have shape \(3, 8, 8\), the architecture reads \(1, 8, 8\)"):
        load(named, path, dataset=str(tiny_folder))


@pytest.fixture
def tiny_folder(tmp_path):
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (8, 8), (60 * i, 9, 200)).save(tmp_path / "photos" / name / f"{i}.png")
            Image.effect_noise((8, 8), 50).convert("RGB").save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def test_tensor_of_another_shape_is_named(named, tmp_path):
    path = saved(tmp_path / "w.safetensors", replace(named.architecture, head=Head(32)))
    with pytest.raises(RunError, match=r"tensor 'head.weight' should be \(64, 24, 1, 1\) and is \(32, 24, 1, 1\)"):
        load(named, path)


def test_weights_of_another_network_with_the_same_shapes_are_refused(named, tmp_path):
    block = Block(2, 3, Partition((1, 3)), "none")  # no permutation, which has no weights
    stages = (Stage(16, 2, (block, block)), Stage(24, 1, (block,)))
    other = Architecture(8, 1, 10, Stem(8, 1), stages, Head(64))
    path = saved(tmp_path / "w.safetensors", other, digest=other.digest, name="other")
    with pytest.raises(RunError) as caught:
        load(named, path)
    assert str(caught.value) == (
        f"the weights in {path} are of the architecture other {other.digest}, wanted those of small "
        f"{named.architecture.digest}; give the spec that they belong to"
    )


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({"dataset": "digits"})])
def test_damaged_header_is_told(named, tmp_path, text):
    path = saved(tmp_path / "w.safetensors", named.architecture, preprocessing=text)
    with pytest.raises(RunError, match=r"the header of .*w.safetensors is damaged: preprocessing"):
        load(named, path)


def test_header_for_other_images_is_told(named, tmp_path):
    wrong = replace(Preprocessing.of(data.load("digits")), size=16, short_side=16).to_json()
    path = saved(tmp_path / "w.safetensors", named.architecture, preprocessing=wrong)
    with pytest.raises(RunError, match="says images of 1x16x16 and 10 classes, the architecture has images of 1x8x8 a"):
        load(named, path)


@pytest.mark.parametrize("ending", [*PICKLES, ".PTH"])
def test_pickle_is_refused_and_not_opened(named, tmp_path, ending):
    path = tmp_path / f"w{ending}"
    torch.save({"weight": Bomb()}, path)
    with pytest.raises(RunError, match="looks like a pickle, and opening one can run any code, so it is never opened"):
        load(named, path)


def test_pickle_under_another_name_is_not_opened_either(named, tmp_path):
    path = tmp_path / "w.safetensors"
    torch.save({"weight": Bomb()}, path)
    with pytest.raises(RunError, match=r"cannot read weights from .*w.safetensors: "):
        load(named, path)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def test_training_on_streamed_images_says_how_they_are_cut(tmp_path, tiny_folder):
    block = Block(2, 3, Partition((1, 3)), "shuffle")
    named = Named("tiny", Architecture(28, 3, 2, Stem(8, 2), (Stage(8, 2, (block,)),), Head(16)))
    in_memory, streamed = (data.load(str(tiny_folder), None, 28, cache_dir=cache) for cache in (None, tmp_path / "c"))
    # 256 of 224 pixels: 32 of 28
    assert [Preprocessing.of(images).short_side for images in (in_memory, streamed)] == [28, 32]
    path = saved(tmp_path / "w.safetensors", named.architecture)
    assert load(named, path, dataset=str(tiny_folder)).preprocessing.short_side == 28
