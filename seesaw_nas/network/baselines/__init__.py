"""The networks of the paper's tables that are not in our space, built from their own papers.

They serve to count Params and Multi-Adds and to measure speed; they come without weights and claims of accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from seesaw_nas.architecture.reference import setting_of
from seesaw_nas.core.errors import SpecError, known
from seesaw_nas.network.baselines.condensenet import CIFAR_86, CIFAR_LIGHT_94, IMAGENET_G8, condensenet
from seesaw_nas.network.baselines.inception import inception_v1
from seesaw_nas.network.baselines.mobilenet import mobilenet_v1
from seesaw_nas.network.baselines.nasnet import B_4, C_3, NASNet
from seesaw_nas.network.baselines.resnet import resnet_18
from seesaw_nas.network.baselines.shufflenet import shufflenet_15_g3
from seesaw_nas.network.baselines.vgg import vgg_16

BASELINES: dict[str, Callable[[int], nn.Module]] = {  # each takes the number of classes
    "condensenet-86@cifar10": partial(condensenet, CIFAR_86),
    "condensenet-light-94@cifar10": partial(condensenet, CIFAR_LIGHT_94),
    "condensenet-light-94@cifar100": partial(condensenet, CIFAR_LIGHT_94),
    "condensenet-g8@imagenet": partial(condensenet, IMAGENET_G8),
    "inception-v1@imagenet": inception_v1,
    "mobilenetv1@imagenet": mobilenet_v1,
    "nasnet-b-4@imagenet": partial(NASNet, B_4),
    "nasnet-c-3@imagenet": partial(NASNet, C_3),
    "resnet-18@imagenet": resnet_18,
    "shufflenet-1.5-g3@imagenet": shufflenet_15_g3,
    "vgg-16@imagenet": vgg_16,
}

_CONDENSED = (
    "G = C, as deployed: each 1x1 convolution is an index and a standard group convolution, and the classifier keeps "
    "half of its inputs, as in the authors' released conversion"
)
_STAND_IN = (
    "STAND-IN. The paper draws this cell in a figure, and no text or code was found that repeats it, so its operations "
    "are chosen here: of the cells whose four blocks read inputs alone, the one whose counts come nearest to the "
    "printed ones, which therefore confirm nothing. The frame around the cells is the paper's"
)
READINGS = {
    "condensenet-86": f"{_CONDENSED}; blocks of 14 layers, growths 8 16 32, G = 4",
    "condensenet-g8": f"{_CONDENSED}; blocks of 4 6 8 10 8 layers, growths 8 16 32 64 128",
    "condensenet-light-94": f"{_CONDENSED}; blocks of 15 layers, between them 1x1 convolutions that halve the width, "
    "as in DenseNet; growth 16 and G = 4, with which the printed figures come out",
    "inception-v1": "batch norm, and 3x3 convolutions where its own paper has 5x5: so the printed 6.6M come out",
    "mobilenetv1": "the last depthwise convolution has stride 1; its own paper prints 2 beside a map that stays 7x7",
    "nasnet-b-4": f"{_STAND_IN}; a state has 96 channels before it first doubles, so that four end at 1536",
    "nasnet-c-3": f"{_STAND_IN}; a state has 60 channels before it first doubles, so that four end at 960",
    "shufflenet-1.5-g3": "the stem keeps its 24 channels at width 1.5; with 36 there would be 300M",
}
STAND_INS = frozenset({"nasnet-b-4", "nasnet-c-3"})


def build(name: str) -> nn.Module:
    """The network called MODEL@SETTING, with torch's initial weights; under ``torch.device("meta")`` it has none.

    Raises:
        SpecError: no such network; the known ones are listed.
    """
    if name not in BASELINES:
        raise SpecError(known("baseline", name, BASELINES))
    return BASELINES[name](setting_of(name).classes)
