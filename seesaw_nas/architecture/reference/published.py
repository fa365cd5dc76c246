"""The rows of the paper's tables 3 to 7, as printed, with the name of the network in each.

Source: Zhang 2019, arXiv:1905.03672; a row of another network names the paper that defines it.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Zhang 2019, arXiv:1905.03672"
SOURCES = {  # paper by the beginning of a network's name
    "condensenet": "Huang et al. 2018, arXiv:1711.09224",
    "igcv3": "Sun et al. 2018, arXiv:1806.00178",
    "inception-v1": "Szegedy et al. 2014, arXiv:1409.4842",
    "mobilenetv1": "Howard et al. 2017, arXiv:1704.04861",
    "mobilenetv2": "Sandler et al. 2018, arXiv:1801.04381",
    "nasnet": "Zoph et al. 2018, arXiv:1707.07012",
    "resnet": "He et al. 2015, arXiv:1512.03385",
    "seesaw": SOURCE,
    "shufflenet": "Zhang et al. 2017, arXiv:1707.01083",
    "vgg": "Simonyan and Zisserman 2014, arXiv:1409.1556",
}
IN_SPACE = ("igcv3", "mobilenetv2", "seesaw")
MACS_STEP = 10**6  # the tables print whole millions


@dataclass(frozen=True, slots=True)
class Published:
    """One row of the paper's tables, as printed.

    Attributes:
        macs: Multi-Adds, rounded to millions as printed.
        top1: accuracy on the test split (ImageNet: on the validation images), as a fraction.
        network: name of the network, MODEL@SETTING.
        in_space: whether ``network`` is an architecture of this space; if not, it is one of the baselines.
        source: the paper that defines the network.
        params: Params, rounded as printed; ``None`` if the table has none.
        params_step: value of the last printed digit of ``params``; 0 if there is none.
    """

    table: int
    label: str
    dataset: str
    macs: int
    top1: float
    network: str
    in_space: bool
    source: str
    params: int | None = None
    params_step: int = 0


_PRINTED: tuple[tuple[int, str, str, str, str, int, float], ...] = (
    (3, "CondenseNet-light-94", "cifar10", "condensenet-light-94", "0.33M", 122, 95.00),
    (3, "IGCV3 0.5D", "cifar10", "igcv3-0.5d", "1.4M", 100, 94.75),
    (3, "Seesaw-share v0 0.5D", "cifar10", "seesaw-share-v0-0.5d", "1.4M", 104, 94.99),
    (3, "Seesaw-share v1 0.5D", "cifar10", "seesaw-share-v1-0.5d", "1.5M", 108, 94.80),
    (3, "Seesaw-shuffle 0.5D", "cifar10", "seesaw-shuffle-0.5d", "1.5M", 108, 95.10),
    (3, "IGCV3 1.0D", "cifar10", "igcv3-1.0d", "2.2M", 166, 95.01),
    (3, "Seesaw-share v0 1.0D", "cifar10", "seesaw-share-v0-1.0d", "2.3M", 175, 95.36),
    (3, "Seesaw-share v1 1.0D", "cifar10", "seesaw-share-v1-1.0d", "2.4M", 181, 95.20),
    (3, "Seesaw-shuffle 1.0D", "cifar10", "seesaw-shuffle-1.0d", "2.4M", 181, 95.28),
    (4, "CondenseNet-light-94", "cifar100", "condensenet-light-94", "0.33M", 122, 75.92),
    (4, "IGCV3 0.5D", "cifar100", "igcv3-0.5d", "1.5M", 100, 77.65),
    (4, "Seesaw-share v0 0.5D", "cifar100", "seesaw-share-v0-0.5d", "1.5M", 104, 77.87),
    (4, "Seesaw-share v1 0.5D", "cifar100", "seesaw-share-v1-0.5d", "1.6M", 108, 77.84),
    (4, "Seesaw-shuffle 0.5D", "cifar100", "seesaw-shuffle-0.5d", "1.6M", 108, 77.82),
    (4, "IGCV3 1.0D", "cifar100", "igcv3-1.0d", "2.3M", 166, 78.24),
    (4, "Seesaw-share v0 1.0D", "cifar100", "seesaw-share-v0-1.0d", "2.4M", 175, 78.84),
    (4, "Seesaw-share v1 1.0D", "cifar100", "seesaw-share-v1-1.0d", "2.5M", 181, 78.73),
    (4, "Seesaw-shuffle 1.0D", "cifar100", "seesaw-shuffle-1.0d", "2.5M", 181, 79.26),
    (5, "VGG-16", "imagenet", "vgg-16", "", 15_300, 71.5),
    (5, "ResNet-18", "imagenet", "resnet-18", "", 1_818, 69.8),
    (5, "Inception V1", "imagenet", "inception-v1", "6.6M", 1_448, 69.8),
    (5, "NASNet-B (N=4)", "imagenet", "nasnet-b-4", "5.3M", 488, 72.8),
    (5, "NASNet-C (N=3)", "imagenet", "nasnet-c-3", "4.9M", 558, 72.5),
    (5, "MobileNetV1", "imagenet", "mobilenetv1", "4.2M", 575, 70.6),
    (5, "ShuffleNet 1.5", "imagenet", "shufflenet-1.5-g3", "3.4M", 292, 71.5),
    (5, "CondenseNet (G=C=8)", "imagenet", "condensenet-g8", "2.9M", 274, 71.0),
    (5, "MobileNetV2 1.0", "imagenet", "mobilenetv2", "3.5M", 314, 72.0),
    (5, "IGCV3 1.0D", "imagenet", "igcv3-1.0d", "3.5M", 318, 72.2),
    (5, "Seesaw-shuffle 1.0D", "imagenet", "seesaw-shuffle-1.0d", "3.6M", 361, 72.9),
    (6, "CondenseNet-86", "cifar10", "condensenet-86", "", 65, 95.00),
    (6, "IGCV3 0.5D, no permutation", "cifar10", "igcv3-noperm-0.5d", "", 51, 94.07),
    (6, "IGCV3 0.5D", "cifar10", "igcv3-0.5d", "", 51, 94.83),
    (6, "Seesaw-share v1 0.5D", "cifar10", "seesaw-share-v1-0.5d", "", 59, 94.56),
    (6, "Seesaw-share v2 0.5D", "cifar10", "seesaw-share-v2-0.5d", "", 57, 95.09),
    (7, "MobileNetV2 1.0", "cifar100", "mobilenetv2", "2.4M", 89, 74.46),
    (7, "IGCV3 0.5D, t = 3", "cifar100", "igcv3-0.5d-t3", "1.0M", 30, 75.75),
    (7, "Seesaw-share v1 0.5D, t = 3", "cifar100", "seesaw-share-v1-0.5d-t3", "1.1M", 34, 76.14),
)


def _rows() -> tuple[Published, ...]:
    rows = []
    for table, label, dataset, model, printed, millions, percent in _PRINTED:
        in_space = model.startswith(IN_SPACE)
        name = f"{model}@{dataset}{'-tiny' if in_space and table in (6, 7) else ''}"
        (source,) = (paper for start, paper in SOURCES.items() if model.startswith(start))
        top1 = round(percent / 100, 4)
        params, step = _millions(printed) if printed else (None, 0)
        rows.append(Published(table, label, dataset, millions * 10**6, top1, name, in_space, source, params, step))
    return tuple(rows)


def _millions(printed: str) -> tuple[int, int]:
    """The number that a text such as ``0.33M`` stands for, and the value of its last digit."""
    whole, _, digits = printed.removesuffix("M").partition(".")
    step = 10 ** (6 - len(digits))
    return int(whole + digits) * step, step


PUBLISHED = _rows()


def published(dataset: str) -> tuple[Published, ...]:
    """The paper's rows for a data set, in the order of its tables; empty if the paper does not use the data set."""
    return tuple(row for row in PUBLISHED if row.dataset == dataset)
