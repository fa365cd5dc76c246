"""Images that a quantisation needs: some to calibrate with, from the training split, and others to judge it by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seesaw_nas import data
from seesaw_nas.core.errors import DataError, OptionError
from seesaw_nas.data import Split, catalog
from seesaw_nas.data.preprocessing import Floats, Preprocessing

IMAGES = 512  # to calibrate with, by default
SEED = 0  # of the draw


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Images of a data set, for the quantisation of one network.

    Attributes:
        images: training images, prepared as in evaluation: normalised, (n, C, H, W).
        dataset: their data set, as a person names it.
        seed: seed of their draw.
        validation: the validation split, which a quantisation never sees.
    """

    images: Floats
    dataset: str
    seed: int
    validation: Split


def load(
    dataset: str, place: Path | None, preprocessing: Preprocessing, n: int = IMAGES, seed: int = SEED
) -> Calibration:
    """Draw calibration images from the training split, each class in proportion.

    Neither validation nor test images are among them; test images are not read at all.

    Args:
        dataset: as for :func:`seesaw_nas.data.load`; empty if nothing says what the network was trained on.
        place: folder of its files; ``None`` to download them.
        n: number of images; all of the training split if it has fewer.

    Raises:
        OptionError: ``n`` is below 1.
        DataError: the images cannot be loaded, or differ from those that the network was trained on.
    """
    if n < 1:
        raise OptionError(f"--calibration-images must be at least 1, got {n}")
    if not dataset:
        raise DataError(
            "int8 needs images to calibrate with, and nothing says which data set the network was trained on; name it "
            "with --dataset"
        )
    size = None if dataset in data.ONE_SIZE else preprocessing.size
    try:
        loaded = data.load(dataset, place, size)
    except DataError as error:
        raise DataError(
            f"int8 needs training images of {dataset.removeprefix(catalog.FOLDER_PREFIX)} to calibrate with: {error}"
        ) from None
    if loaded.classes != preprocessing.classes or loaded.input[0] != preprocessing.channels:
        raise DataError(f"{dataset} has other images or classes than the network was trained on; name its own data set")
    chosen = data.subset(loaded.train, min(n, len(loaded.train)), seed).in_memory()
    return Calibration(preprocessing.apply(chosen.images.numpy()), preprocessing.dataset, seed, loaded.validation)
