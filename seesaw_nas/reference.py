"""The paper's networks by name, and the figures it prints.

``network("seesaw-shuffle-0.5d@cifar10")`` is an ordinary :class:`Architecture`. Where the paper's text is silent, the
reading taken is the one whose Params and Multi-Adds come out as printed; ``READINGS`` states each.
Source: Zhang 2019, arXiv:1905.03672, table 2 for the layout, tables 3 to 7 for the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seesaw_nas.errors import SpecError, known
from seesaw_nas.spec import DENSE, Activation, Architecture, Block, Flow, Head, Partition, Stage, Stem

SOURCE = "Zhang 2019, arXiv:1905.03672"

READINGS = {
    "seesaw-shuffle": "1:3, and even (1:1) where a block reads 160 channels or more",
    "seesaw-share-v0": "1:2, and even where a block reads 160 channels or more; each width moved to the nearest one "
    "that its blocks split exactly (stem 33; 15 24 33 63 96 162 318), since the paper does not print them",
    "seesaw-share-v1": "1:3, and even (1:1) where a block reads 160 channels or more",
    "seesaw-share-v2": "1:2 in every block, widths 15 24 36 66 96 159 318 behind a stem of 33, with the permutation "
    "that table 6 marks wherever the inner width is even, share where it is odd",
    "igcv3": "two even groups with both permutations",
    "mobilenetv2": "dense, ReLU6 after pw1, pw1 also where the expansion is 1",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A data set with the strides the paper uses on it."""

    dataset: str
    input_size: int
    classes: int
    stem_stride: int
    strides: tuple[int, ...]


_CIFAR, _TINY, _IMAGENET = (1, 1, 2, 2, 1, 1, 1), (1, 1, 2, 2, 1, 2, 1), (1, 2, 2, 2, 1, 2, 1)
SETTINGS = {
    "cifar10": Setting("cifar10", 32, 10, 1, _CIFAR),
    "cifar100": Setting("cifar100", 32, 100, 1, _CIFAR),
    "cifar10-tiny": Setting("cifar10", 32, 10, 1, _TINY),
    "cifar100-tiny": Setting("cifar100", 32, 100, 1, _TINY),
    "imagenet": Setting("imagenet", 224, 1000, 2, _IMAGENET),
}
DEFAULT_SETTING = "cifar10"

HALF_DEPTH, FULL_DEPTH = (1, 2, 3, 4, 3, 3, 1), (1, 4, 6, 8, 6, 6, 1)
WIDTHS = (32, 16, 24, 32, 64, 96, 160, 320)  # the stem's, then a stage's each
V0_WIDTHS = (33, 15, 24, 33, 63, 96, 162, 318)
V2_WIDTHS = (33, 15, 24, 36, 66, 96, 159, 318)
EXPANSION, HEAD_CHANNELS, EVEN_FROM = 6, 1280, 160


@dataclass(frozen=True, slots=True)
class Model:
    """A family member: how wide, how deep, and how each block groups its channels."""

    repeats: tuple[int, ...]
    partition: Callable[[int], Partition]
    flow: Flow
    widths: tuple[int, ...] = WIDTHS
    activation: Activation = "none"

    def at(self, setting: Setting, expansion: int) -> Architecture:
        """The network at a setting, with this expansion in all stages but the first."""
        stages, c_in = [], self.widths[0]
        for i, (width, repeats, stride) in enumerate(zip(self.widths[1:], self.repeats, setting.strides, strict=True)):
            blocks = []
            for _ in range(repeats):
                t = 1 if i == 0 else expansion
                partition = self.partition(c_in)
                permutable = t * c_in % partition.groups == 0  # only V2_WIDTHS has blocks where it is not
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
    models["seesaw-share-v2-0.5d"] = Model(HALF_DEPTH, lambda c_in: Partition((1, 2)), "shuffle", V2_WIDTHS)
    models["mobilenetv2"] = Model(HALF_DEPTH, lambda c_in: DENSE, "none", activation="relu6")
    return dict(sorted(models.items()))


MODELS = _models()


def network(name: str) -> Architecture:
    """The architecture called MODEL@SETTING; without a setting, CIFAR-10; with ``-t3`` after MODEL, expansion 3.

    Raises:
        SpecError: no such model or setting; the known ones are listed.
    """
    model_name = name.partition("@")[0]
    base = model_name.removesuffix("-t3")
    if base not in MODELS:
        raise SpecError(known("model", model_name, MODELS) + "; add -t3 for expansion 3")
    return MODELS[base].at(setting_of(name), 3 if base != model_name else EXPANSION)


def setting_of(name: str) -> Setting:
    """The setting in a name MODEL@SETTING; CIFAR-10 where none is given.

    Raises:
        SpecError: no such setting; the known ones are listed.
    """
    setting = name.partition("@")[2] or DEFAULT_SETTING
    if setting not in SETTINGS:
        raise SpecError(known("setting", setting, SETTINGS))
    return SETTINGS[setting]


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the paper's tables, as printed.

    Attributes:
        top1: of the test split (ImageNet: the validation images), as a fraction.
        macs: rounded, as printed.
        network: the name of our architecture for it, where it lies in this space.
    """

    table: int
    label: str
    dataset: str
    macs: int
    top1: float
    network: str | None = None


def _rows() -> tuple[Published, ...]:
    rows = []
    for table, label, dataset, model, millions, percent in _PRINTED:
        tiny = "-tiny" if table in (6, 7) else ""
        name = f"{model}@{dataset}{tiny}" if model else None
        rows.append(Published(table, label, dataset, millions * 10**6, round(percent / 100, 4), name))
    return tuple(rows)


_PRINTED: tuple[tuple[int, str, str, str | None, int, float], ...] = (
    (3, "CondenseNet-light-94", "cifar10", None, 122, 95.00),
    (3, "IGCV3 0.5D", "cifar10", "igcv3-0.5d", 100, 94.75),
    (3, "Seesaw-share v0 0.5D", "cifar10", "seesaw-share-v0-0.5d", 104, 94.99),
    (3, "Seesaw-share v1 0.5D", "cifar10", "seesaw-share-v1-0.5d", 108, 94.80),
    (3, "Seesaw-shuffle 0.5D", "cifar10", "seesaw-shuffle-0.5d", 108, 95.10),
    (3, "IGCV3 1.0D", "cifar10", "igcv3-1.0d", 166, 95.01),
    (3, "Seesaw-share v0 1.0D", "cifar10", "seesaw-share-v0-1.0d", 175, 95.36),
    (3, "Seesaw-share v1 1.0D", "cifar10", "seesaw-share-v1-1.0d", 181, 95.20),
    (3, "Seesaw-shuffle 1.0D", "cifar10", "seesaw-shuffle-1.0d", 181, 95.28),
    (4, "CondenseNet-light-94", "cifar100", None, 122, 75.92),
    (4, "IGCV3 0.5D", "cifar100", "igcv3-0.5d", 100, 77.65),
    (4, "Seesaw-share v0 0.5D", "cifar100", "seesaw-share-v0-0.5d", 104, 77.87),
    (4, "Seesaw-share v1 0.5D", "cifar100", "seesaw-share-v1-0.5d", 108, 77.84),
    (4, "Seesaw-shuffle 0.5D", "cifar100", "seesaw-shuffle-0.5d", 108, 77.82),
    (4, "IGCV3 1.0D", "cifar100", "igcv3-1.0d", 166, 78.24),
    (4, "Seesaw-share v0 1.0D", "cifar100", "seesaw-share-v0-1.0d", 175, 78.84),
    (4, "Seesaw-share v1 1.0D", "cifar100", "seesaw-share-v1-1.0d", 181, 78.73),
    (4, "Seesaw-shuffle 1.0D", "cifar100", "seesaw-shuffle-1.0d", 181, 79.26),
    (5, "VGG-16", "imagenet", None, 15_300, 71.5),
    (5, "ResNet-18", "imagenet", None, 1_818, 69.8),
    (5, "Inception V1", "imagenet", None, 1_448, 69.8),
    (5, "NASNet-B (N=4)", "imagenet", None, 488, 72.8),
    (5, "NASNet-C (N=3)", "imagenet", None, 558, 72.5),
    (5, "MobileNetV1", "imagenet", None, 575, 70.6),
    (5, "ShuffleNet 1.5", "imagenet", None, 292, 71.5),
    (5, "CondenseNet (G=C=8)", "imagenet", None, 274, 71.0),
    (5, "MobileNetV2 1.0", "imagenet", "mobilenetv2", 314, 72.0),
    (5, "IGCV3 1.0D", "imagenet", "igcv3-1.0d", 318, 72.2),
    (5, "Seesaw-shuffle 1.0D", "imagenet", "seesaw-shuffle-1.0d", 361, 72.9),
    (6, "CondenseNet-86", "cifar10", None, 65, 95.00),
    (6, "IGCV3 0.5D, no permutation", "cifar10", None, 51, 94.07),
    (6, "IGCV3 0.5D", "cifar10", "igcv3-0.5d", 51, 94.83),
    (6, "Seesaw-share v1 0.5D", "cifar10", "seesaw-share-v1-0.5d", 59, 94.56),
    (6, "Seesaw-share v2 0.5D", "cifar10", "seesaw-share-v2-0.5d", 57, 95.09),
    (7, "MobileNetV2 1.0", "cifar100", "mobilenetv2", 89, 74.46),
    (7, "IGCV3 0.5D, t = 3", "cifar100", "igcv3-0.5d-t3", 30, 75.75),
    (7, "Seesaw-share v1 0.5D, t = 3", "cifar100", "seesaw-share-v1-0.5d-t3", 34, 76.14),
)

PUBLISHED = _rows()


def published(dataset: str) -> tuple[Published, ...]:
    """The paper's rows on a data set, in the order of its tables; empty for a data set that it does not use."""
    return tuple(row for row in PUBLISHED if row.dataset == dataset)


def networks_of(dataset: str, tiny: bool = False) -> dict[str, Architecture]:
    """The paper's networks that lie in this space, at one setting."""
    wanted = f"{dataset}-tiny" if tiny else dataset
    names = [row.network for row in PUBLISHED if row.network and row.network.endswith(f"@{wanted}")]
    return {name: network(name) for name in names}
