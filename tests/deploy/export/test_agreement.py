"""The comparison that every export goes through: what passes, what does not, and on which images."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import DataError, RunError
from seesaw_nas.data import cifar
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.deploy.export import agreement
from seesaw_nas.deploy.export.agreement import check, unfused
from seesaw_nas.network import models


def test_network_agrees_with_itself(source):
    found = check(source, unfused(source))
    assert (found.difference, found.top1_agreement) == (0.0, 1.0)
    assert (found.n_random, found.n_real, found.real) == (6, 256, "validation images of digits")
    assert found.sentence == (
        "Differs from the unfused network by at most 0.0e+00 of the largest logit, on 6 random images and 256 "
        "validation images of digits; top-1 is the same on 256."
    )


def test_batches_of_one_and_of_several_are_asked_for(source):
    sizes = []
    check(source, lambda images: sizes.append(len(images)) or unfused(source)(images))
    assert sizes[:2] == [1, 5]
    assert sum(sizes[2:]) == 256


@pytest.mark.parametrize(("factor", "passes"), [(1 + 9e-5, True), (1 + 2e-4, False), (-1, False), (math.nan, False)])
def test_difference_is_relative_to_the_largest_logit(source, factor, passes):
    def scaled(images):
        return unfused(source)(images) * np.float32(factor)

    if passes:
        assert check(source, scaled).difference == pytest.approx(9e-5, rel=0.02)
        return
    with pytest.raises(RunError, match=r"differs from the trained one by .* of its largest logit .*, at most 1e-04 is"):
        check(source, scaled)


def test_weights_that_are_no_numbers_are_told(source):
    broken = models.build(source.named.architecture, seed=0).eval()
    with torch.no_grad():
        broken.classifier.bias[0] = math.nan
    broken = replace(source, model=broken)
    with pytest.raises(RunError, match="the network 'small' with these weights puts out numbers that are not finite"):
        check(broken, unfused(broken))


def test_network_that_puts_out_nothing_but_zero_agrees_with_itself(source):
    silent = models.build(source.named.architecture, seed=0).eval()
    with torch.no_grad():
        silent.classifier.weight.zero_()
    silent = replace(source, model=silent)
    assert check(silent, unfused(silent)).difference == 0


# --- images that are not at hand


def test_without_a_data_set_random_images_do(source):
    found = check(replace(source, dataset=""), unfused(source))
    assert (found.n_real, found.top1_agreement) == (0, None)
    assert found.sentence.endswith("on 6 random images (nothing says which data set it was trained on).")


@pytest.mark.parametrize("dataset", ["cifar10", "photos", "folder:photos"])
def test_images_that_are_not_here_are_done_without_unless_asked_for(source, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(cifar, "fetch", lambda *_: pytest.fail("a download"))
    found = check(replace(source, dataset=dataset), unfused(source))
    assert found.real == f"the images of {dataset} are not at hand; name their place with --data-dir"
    with pytest.raises(DataError):
        check(replace(source, dataset=dataset), unfused(source), data_dir=str(tmp_path / "nowhere"), required=True)


def test_images_of_another_kind_are_not_taken(source):
    other = replace(source, preprocessing=replace(source.preprocessing, classes=tuple("abcdefghij")))
    assert check(other, unfused(other)).n_real == 0
    with pytest.raises(DataError, match="digits has other images or classes than the network was trained on"):
        check(other, unfused(other), required=True)


def test_validation_images_of_a_folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(6):
            pixels = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    block = Block(2, 3, Partition((1, 3)), "share")
    architecture = Architecture(8, 3, 2, Stem(8, 1), (Stage(8, 1, (block,)),), Head(16))
    preprocessing = Preprocessing("folder:photos", ("cat", "dog"), 3, 8, 8, (0.5,) * 3, (0.5,) * 3)
    network = models.build(architecture, seed=0).eval()
    photos = agreement.ExportSource(Named("photos", architecture), network, preprocessing, str(tmp_path))
    found = check(photos, unfused(photos))
    assert (found.n_real, found.real) == (2, "validation images of folder:photos")  # 15% of 12, one a class
