"""The paper's networks by name, as architectures.

``network("seesaw-shuffle-0.5d@cifar10")`` is an ordinary :class:`Architecture`. Where the paper leaves a detail open,
the choice made here reproduces the printed Params and Multi-Adds; ``READINGS`` states each choice.
Source: Zhang 2019, arXiv:1905.03672, table 2 for the layout, tables 3 to 7 for the figures that decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference.published import PUBLISHED
from seesaw_nas.architecture.spec import Activation, Architecture, Block, Flow, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError, known

READINGS = {
    "seesaw-shuffle": "1:3, and even (1:1) where a block reads 160 channels or more",
    "seesaw-share-v0": "1:2, and even where a block reads 160 channels or more; each width moved to the nearest one "
    "that its blocks split exactly (stem 33; 15 24 33 63 96 162 318), since the paper does not print them",
    "seesaw-share-v1": "1:3, and even (1:1) where a block reads 160 channels or more",
    "seesaw-share-v2": "1:2 in every block, widths 15 24 36 66 96 159 318 behind a stem of 33, with the permutation "
    "that table 6 marks wherever the inner width is even, share where it is odd",
    "igcv3": "two even groups with both permutations",
    "igcv3-noperm": "two even groups with neither permutation",
    "mobilenetv2": "dense, ReLU6 after pw1, pw1 also where the expansion is 1",
}


@dataclass(frozen=True, slots=True)
class NetworkSetting:
    """A data set with the strides the paper uses on it."""

    dataset: str
    input_size: int
    classes: int
    stem_stride: int
    strides: tuple[int, ...]


_CIFAR, _TINY, _IMAGENET = (1, 1, 2, 2, 1, 1, 1), (1, 1, 2, 2, 1, 2, 1), (1, 2, 2, 2, 1, 2, 1)
SETTINGS = {
    "cifar10": NetworkSetting("cifar10", 32, 10, 1, _CIFAR),
    "cifar100": NetworkSetting("cifar100", 32, 100, 1, _CIFAR),
    "cifar10-tiny": NetworkSetting("cifar10", 32, 10, 1, _TINY),
    "cifar100-tiny": NetworkSetting("cifar100", 32, 100, 1, _TINY),
    "imagenet": NetworkSetting("imagenet", 224, 1000, 2, _IMAGENET),
}
DEFAULT_SETTING = "cifar10"

HALF_DEPTH, FULL_DEPTH = (1, 2, 3, 4, 3, 3, 1), (1, 4, 6, 8, 6, 6, 1)
WIDTHS = (32, 16, 24, 32, 64, 96, 160, 320)  # of the stem, then of each stage
V0_WIDTHS = (33, 15, 24, 33, 63, 96, 162, 318)
V2_WIDTHS = (33, 15, 24, 36, 66, 96, 159, 318)
EXPANSION, HEAD_CHANNELS, EVEN_FROM = 6, 1280, 160


@dataclass(frozen=True, slots=True)
class Model:
    """One member of a family: its widths, its depth, and how each block groups its channels."""

    repeats: tuple[int, ...]
    partition: Callable[[int], Partition]
    flow: Flow
    widths: tuple[int, ...] = WIDTHS
    activation: Activation = "none"

    def build(self, setting: NetworkSetting, expansion: int) -> Architecture:
        """The network for a data set's setting; all stages but the first have this expansion."""
        stages, c_in = [], self.widths[0]
        for i, (width, repeats, stride) in enumerate(zip(self.widths[1:], self.repeats, setting.strides, strict=True)):
            blocks = []
            for _ in range(repeats):
                t = 1 if i == 0 else expansion
                partition = self.partition(c_in)
                permutable = t * c_in % partition.groups == 0  # false only for some blocks of V2_WIDTHS
                flow = self.flow if permutable else "share"
                blocks.append(Block(t, 3, partition, flow, self.activation))
                c_in = width
            stages.append(Stage(width, stride, tuple(blocks)))
        stem = Stem(self.widths[0], setting.stem_stride)
        return Architecture(setting.input_size, 3, setting.classes, stem, tuple(stages), Head(HEAD_CHANNELS))


def _even_from_160(uneven: str) -> Callable[[int], Partition]:
    return lambda c_in: Partition((1, 1)) if c_in >= EVEN_FROM else Partition.parse(uneven)


def _models() -> dict[str, Model]:
    models = {}
    for depth, repeats in (("0.5d", HALF_DEPTH), ("1.0d", FULL_DEPTH)):
        models[f"seesaw-shuffle-{depth}"] = Model(repeats, _even_from_160("1:3"), "shuffle")
        models[f"seesaw-share-v0-{depth}"] = Model(repeats, _even_from_160("1:2"), "share", V0_WIDTHS)
        models[f"seesaw-share-v1-{depth}"] = Model(repeats, _even_from_160("1:3"), "share")
        models[f"igcv3-{depth}"] = Model(repeats, lambda c_in: Partition((1, 1)), "igcv3")
        models[f"igcv3-noperm-{depth}"] = Model(repeats, lambda c_in: Partition((1, 1)), "none")
    models["seesaw-share-v2-0.5d"] = Model(HALF_DEPTH, lambda c_in: Partition((1, 2)), "shuffle", V2_WIDTHS)
    models["mobilenetv2"] = Model(HALF_DEPTH, lambda c_in: DENSE, "none", activation="relu6")
    return dict(sorted(models.items()))


MODELS = _models()
BASELINE_MODELS = frozenset(row.network.partition("@")[0] for row in PUBLISHED if not row.in_space)


def network(name: str) -> Architecture:
    """The architecture called MODEL@SETTING; without a setting, CIFAR-10; with ``-t3`` after MODEL, expansion 3.

    Raises:
        SpecError: no such model or setting (the message lists the known ones), or a baseline outside this space.
    """
    model_name = name.partition("@")[0]
    base = model_name.removesuffix("-t3")
    if model_name in BASELINE_MODELS:
        raise SpecError(
            f"'{model_name}' lies outside this space, so there is no architecture of it to show or train; "
            "its figures stand in `seesaw-nas reference`"
        )
    if base not in MODELS:
        raise SpecError(known("model", model_name, MODELS) + "; add -t3 for expansion 3")
    return MODELS[base].build(setting_of(name), 3 if base != model_name else EXPANSION)


def setting_of(name: str) -> NetworkSetting:
    """The setting in a name MODEL@SETTING; CIFAR-10 where none is given.

    Raises:
        SpecError: no such setting; the known ones are listed.
    """
    setting = name.partition("@")[2] or DEFAULT_SETTING
    if setting not in SETTINGS:
        raise SpecError(known("setting", setting, SETTINGS))
    return SETTINGS[setting]


def family_of(name: str) -> str:
    """The key of ``READINGS`` for a name: its model without depth and expansion."""
    model = name.partition("@")[0].removesuffix("-t3")
    return model.removesuffix("-0.5d").removesuffix("-1.0d")
