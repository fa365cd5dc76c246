"""Compares an exported network with the trained one, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seesaw_nas import data
from seesaw_nas.core.errors import DataError, RunError
from seesaw_nas.data import catalog, cifar, folder, splits
from seesaw_nas.data.decode import decode
from seesaw_nas.data.download import cache_dir
from seesaw_nas.data.images import Images
from seesaw_nas.data.preprocessing import Floats, Pixels
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.runtimes.base import Logits

TOLERANCE = 1e-4  # as a share of the largest logit; the measured error of folding batch norm in float32 is 5e-7
RANDOM_BATCHES = (1, 5)
N_REAL, REAL_BATCH = 256, 16


@dataclass(frozen=True, slots=True)
class Agreement:
    """The comparison of an exported network with the trained one.

    Attributes:
        difference: largest difference of a logit, as a share of the largest logit of its batch.
        n_random, n_real: numbers of random and of real images.
        top1_agreement: share of the real images that both networks assign to the same class; ``None`` without any.
        real: description of the real images, or the reason why there are none.
        tolerance: the limit of the difference; ``None`` in int8, which is judged by its accuracy.
    """

    difference: float
    n_random: int
    n_real: int
    top1_agreement: float | None
    real: str
    tolerance: float | None = TOLERANCE

    @property
    def is_kept(self) -> bool:
        """Whether the difference is within the limit."""
        return bool(np.isfinite(self.difference)) and (self.tolerance is None or self.difference <= self.tolerance)

    @property
    def sentence(self) -> str:
        """The result in one sentence for people, and a second one if the difference is above the limit."""
        beyond = "" if self.is_kept else f" That is more than {self.tolerance:.0e}, the limit, and was accepted."
        return self._comparison + beyond

    @property
    def _comparison(self) -> str:
        text = f"Differs from the unfused network by at most {self.difference:.1e} of the largest logit"
        if self.top1_agreement is None:
            return f"{text}, on {self.n_random} random images ({self.real})."
        same = round(self.top1_agreement * self.n_real)
        return f"{text}, on {self.n_random} random images and {self.n_real} {self.real}; top-1 is the same on {same}."

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def check(
    source: ExportSource,
    logits: Logits,
    *,
    data_dir: str = "",
    required: bool = False,
    accept: bool = False,
    limited: bool = True,
) -> Agreement:
    """Compare ``logits`` with the unfused network on random images and, if available, on validation images.

    Args:
        required: whether the user named the data set: then its images are downloaded, and their absence is an error.
        accept: whether a difference above ``TOLERANCE`` is accepted.
        limited: whether there is a limit at all; int8 has none, because it is judged by its accuracy.

    Raises:
        RunError: the networks differ by more than ``TOLERANCE``, or a logit is not finite.
        DataError: the user named a data set whose images cannot be loaded.
    """
    pixels, real = _real(source, data_dir, required)
    on_random = [_both(source, logits, batch) for batch in _random(source)]
    on_real = [_both(source, logits, pixels[i : i + REAL_BATCH]) for i in range(0, len(pixels), REAL_BATCH)]
    difference = float(np.max([_difference(*pair) for pair in on_random + on_real]))  # NaN if any of them is
    same = [int((expected.argmax(1) == came.argmax(1)).sum()) for expected, came in on_real]
    share = sum(same) / len(pixels) if same else None
    agreement = Agreement(difference, sum(RANDOM_BATCHES), len(pixels), share, real, TOLERANCE if limited else None)
    if not agreement.is_kept and not (accept and np.isfinite(difference)):
        raise RunError(_refusal(agreement))
    return agreement


def _refusal(agreement: Agreement) -> str:
    top1 = "" if agreement.top1_agreement is None else f" (top-1 is the same on {agreement.top1_agreement:.1%})"
    remedy = "; --accept-difference writes it all the same" if np.isfinite(agreement.difference) else ""
    limit = "a finite number" if agreement.tolerance is None else f"at most {agreement.tolerance:.0e}"
    return (
        f"the exported network differs from the trained one by {agreement.difference:.1e} of its largest logit{top1}, "
        f"{limit} is wanted; nothing was written{remedy}"
    )


def unfused(source: ExportSource) -> Logits:
    """The trained network in eval mode, as a function."""

    @torch.inference_mode()
    def logits(images: Floats) -> Floats:
        logits: Floats = source.model(torch.from_numpy(images)).numpy()
        return logits

    return logits


def _both(source: ExportSource, logits: Logits, pixels: Pixels) -> tuple[Floats, Floats]:
    images = source.preprocessing.apply(pixels)
    expected = unfused(source)(images)
    if not np.isfinite(expected).all():
        raise RunError(f"the network '{source.named.name}' with these weights puts out numbers that are not finite")
    return expected, logits(images)


def _difference(expected: Floats, came: Floats) -> float:
    return float(np.abs(came - expected).max() / max(np.abs(expected).max(), np.finfo(np.float32).tiny))


def _random(source: ExportSource) -> Iterator[Pixels]:
    rng, shape = np.random.default_rng(0), source.named.architecture.input
    for n in RANDOM_BATCHES:
        yield rng.integers(0, 256, (n, *shape), dtype=np.uint8)


def _real(source: ExportSource, data_dir: str, required: bool) -> tuple[Pixels, str]:
    nothing = np.empty((0, *source.named.architecture.input), np.uint8)
    if not source.dataset:
        return nothing, "nothing says which data set it was trained on"
    try:
        place = find_place(source.dataset, data_dir, required)
        classes, images = _validation(source, place)
        if classes != source.preprocessing.classes or images.images.shape[1:] != nothing.shape[1:]:
            raise DataError(f"{source.dataset} has other images or classes than the network was trained on")
    except (DataError, OSError):
        if required:
            raise
        return nothing, f"the images of {source.dataset} are not at hand; name their place with --data-dir"
    return images.images.numpy(), f"validation images of {source.preprocessing.dataset}"


def find_place(name: str, data_dir: str, required: bool) -> Path | None:
    """Folder of a data set's files, which may not exist; with ``None`` they are downloaded."""
    if data_dir:
        return Path(data_dir)
    return None if required or name not in cifar.LAYOUTS else cache_dir() / cifar.LAYOUTS[name].folder


def _validation(source: ExportSource, place: Path | None) -> tuple[tuple[str, ...], Images]:
    """The classes and up to ``N_REAL`` validation images, evenly over the classes; other images are not read."""
    name, size = source.dataset, source.preprocessing.size
    if name in data.NAMES:
        loaded = data.load(name, place, None if name in data.ONE_SIZE else size)
        return loaded.classes, data.subset(loaded.validation, min(N_REAL, len(loaded.validation)), seed=0).in_memory()
    tree = folder.read_tree(Path(name.removeprefix(catalog.FOLDER_PREFIX)).expanduser())
    labels = tree.validation.labels
    files = tree.validation.take(splits.draw(labels, min(N_REAL, len(labels)), 0))
    images, positions = decode(files.paths, size)
    return tree.classes, Images(images, torch.from_numpy(files.labels[positions]))
