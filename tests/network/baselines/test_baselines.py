"""Every baseline runs, costs what arithmetic by hand says, and is counted alike by our walk and by fvcore."""

import warnings

import pytest
import torch

from seesaw_nas.architecture.reference import PUBLISHED, setting_of
from seesaw_nas.core.errors import SpecError
from seesaw_nas.network import baselines
from seesaw_nas.network.baselines.inception import inception_v1
from seesaw_nas.network.tally import tally

# Params and Multi-Adds. For the first three by hand, the maps being 224, 112, 56, 28, 14 and 7 pixels wide:
# VGG-16: conv 3 -> 64 takes 3*64*9*224^2 = 86,704,128; those that keep their width 64, 128 (1 each), 256 and 512 at 28
# (2 each) 1,849,688,064; those that double it (3) half of that; the three of 512 at 14 462,422,016. Together
# 15,346,630,656, and 25,088*4096 + 4096^2 + 4,096,000 = 123,633,664 in the linear layers.
# ResNet-18: 118,013,952 in the stem; a 3x3 that keeps width and size 115,605,504, of which there are 4 + 3*3; the three
# that halve the map 57,802,752, their shortcuts 6,422,528; 512,000 in the classifier.
# MobileNetV1: 10,838,016 in the stem, 17,385,984 depthwise, 539,492,352 in 1x1 (25,690,112 where the width doubles, 5
# times; 51,380,224 where it stays, 8 times), 1,024,000 in the classifier.
# The rest was read off our walk once; fvcore finds the same, and test_comparison holds it against the printed figures.
COUNTS = {
    "vgg-16@imagenet": (138_357_544, 15_470_264_320),
    "resnet-18@imagenet": (11_689_512, 1_814_073_344),
    "mobilenetv1@imagenet": (4_231_976, 568_740_352),
    "shufflenet-1.5-g3@imagenet": (3_442_168, 292_443_552),
    "inception-v1@imagenet": (6_624_904, 1_498_376_192),
    "condensenet-g8@imagenet": (2_935_416, 261_545_792),
    "condensenet-86@cifar10": (516_202, 62_377_888),
    "condensenet-light-94@cifar10": (328_366, 116_564_060),
    "condensenet-light-94@cifar100": (347_716, 116_583_320),
    "nasnet-b-4@imagenet": (5_311_928, 487_003_104),
    "nasnet-c-3@imagenet": (4_931_470, 561_331_616),
}


def image_of(name: str) -> tuple[int, int, int]:
    size = setting_of(name).input_size
    return (3, size, size)


def counted_by_fvcore(network, image):
    """Multiply-adds in the convolutions and linear layers of a network in evaluation mode, for one image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

        analysis = FlopCountAnalysis(network, (torch.zeros(1, *image),))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        operations = analysis.by_operator()
    return int(operations["conv"] + operations["linear"])


@pytest.fixture(scope="module", params=COUNTS)
def built(request):
    return request.param, baselines.build(request.param).eval()


def test_it_runs(built):
    name, network = built
    with torch.no_grad():
        logits = network(torch.zeros(2, *image_of(name)))
    assert logits.shape == (2, setting_of(name).classes)
    assert torch.isfinite(logits).all()


def test_counts_are_as_worked_out_and_fvcore_agrees(built):
    name, network = built
    found = tally(network, image_of(name))
    assert (found.params, found.macs) == COUNTS[name]
    assert found.params == sum(weight.numel() for weight in network.parameters())
    assert counted_by_fvcore(network, image_of(name)) == found.macs


@pytest.mark.parametrize("name", ["resnet-18@imagenet", "shufflenet-1.5-g3@imagenet", "nasnet-b-4@imagenet"])
def test_every_weight_is_trained(name):
    network = baselines.build(name)
    network(torch.randn(2, 3, 64, 64)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_there_is_one_for_every_row_outside_the_space():
    assert set(baselines.BASELINES) == {row.network for row in PUBLISHED if not row.in_space} == set(COUNTS)


def test_readings_and_stand_ins_are_of_networks_that_exist():
    models = {name.partition("@")[0] for name in baselines.BASELINES}
    assert set(baselines.READINGS) <= models
    assert {model for model, text in baselines.READINGS.items() if text.startswith("STAND-IN")} == baselines.STAND_INS


def test_a_name_without_a_network_is_told_with_the_known_ones():
    with pytest.raises(SpecError, match="unknown baseline 'vgg-19@imagenet', did you mean 'vgg-16@imagenet'"):
        baselines.build("vgg-19@imagenet")


def test_inception_with_its_own_papers_kernels():
    # The reading says 7.0M and 1,583M. 5x5 instead of 3x3 adds (25 - 9) weights to each pair of channels: 380,928, of
    # which 47,616 + ... stand on maps of 28, 14 and 7.
    with torch.device("meta"):
        found = tally(inception_v1(1000, wide_kernel=5), (3, 224, 224))
    pairs = {28: 16 * 32 + 32 * 96, 14: 16 * 48 + 2 * 24 * 64 + 32 * 64 + 32 * 128, 7: 32 * 128 + 48 * 128}
    assert found.params - COUNTS["inception-v1@imagenet"][0] == 16 * sum(pairs.values())
    assert found.macs - COUNTS["inception-v1@imagenet"][1] == 16 * sum(n * size**2 for size, n in pairs.items())
    assert (round(found.params / 1e6, 1), round(found.macs / 1e6)) == (7.0, 1583)
