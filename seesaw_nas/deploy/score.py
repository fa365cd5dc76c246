"""Measures the accuracy of existing weights on a split that the caller chooses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seesaw_nas import data
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe, find_device, place
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.data import check_fits
from seesaw_nas.data.catalog import FOLDER_PREFIX
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.deploy.export import source
from seesaw_nas.deploy.exported import find_runner
from seesaw_nas.deploy.names import SPLITS
from seesaw_nas.deploy.runtimes.base import check_logits
from seesaw_nas.network.folded import fuse
from seesaw_nas.training import accuracy

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData, Split
    from seesaw_nas.data.preprocessing import Preprocessing
    from seesaw_nas.deploy.exported import ExportedFolder
    from seesaw_nas.training.accuracy import Accuracy

BATCH = 256  # images of a call


@dataclass(frozen=True, slots=True)
class ScoredWeights:
    """The accuracy of weights on one split.

    Attributes:
        weights: the file that was measured; or the exported folder, whose own files were.
        normalised: whether images were normalised as the weights file says or by the training split, in words.
        runs_on: runtime and device, in words.
        passed_over: what of the data set's folder is not read.
    """

    named: Named
    weights: Path
    dataset: str
    split: str
    accuracy: Accuracy
    normalised: str
    runs_on: str
    conditions: dict[str, str]
    passed_over: PassedOver = NOTHING

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.named.name,
            "digest": self.named.architecture.digest,
            "weights": str(self.weights),
            "dataset": self.dataset,
            "split": self.split,
            **asdict(self.accuracy),
            "normalised": self.normalised,
            "runs_on": self.runs_on,
            "conditions": self.conditions,
            "passed_over": asdict(self.passed_over),
        }


def score(
    named: Named,
    weights: Path | None,
    *,
    dataset: str = "",
    split: str = "validation",
    device: str = "auto",
    data_dir: str = "",
    cache_dir: str = "",
    folder: Path | None = None,
) -> ScoredWeights:
    """Measure ``weights`` on a split of a data set.

    To choose between networks, use the validation split: accuracy on the test split is only unbiased as long as nothing
    was chosen by it.

    Args:
        dataset: data set; empty for the one that the weights file or else the spec names.
        data_dir, cache_dir: as for :func:`seesaw_nas.data.load`.
        folder: the folder of this network, whose own files run in place of the weights if it is an export, see
            :func:`seesaw_nas.deploy.exported.find_runner`.

    Raises:
        SeesawError: no such split or data set, or the weights cannot be read or do not fit spec and images.
    """
    if split not in SPLITS:
        raise OptionError(known("split", split, SPLITS))
    exported, on = find_runner(folder, device) if folder else (None, find_device(device))
    given = _of_export(named, exported) if exported else _of_weights(named, weights, on)
    name = dataset or given.dataset or named.dataset
    if not name:
        raise OptionError(f"neither {given.read} nor the spec names a data set; add --dataset")
    size = None if name in data.ONE_SIZE else named.architecture.input_size
    at, cache = (Path(path) if path else None for path in (data_dir, cache_dir))
    images = data.load(name, at, size, cache_dir=cache)
    check_fits(named.architecture, images)
    images, normalised = _use_normalisation(images, given.preprocessing)
    chosen: Split = images.validation if split == "validation" else data.load_test(name, at, size, cache_dir=cache)
    (measured,) = accuracy.tally([given.forward], chosen, images.mean, images.std, device=on, batch_size=BATCH)
    if not isfinite(measured.loss):
        raise RunError(
            f"the weights in {given.read} give a loss of {measured.loss}: its outputs are not finite; train it again"
        )
    about = conditions(describe(on), *given.packages)
    return ScoredWeights(
        named, given.read, images.name, split, measured, normalised, given.runs_on, about, images.passed_over
    )


@dataclass(frozen=True, slots=True)
class _Given:
    """A network that is to be measured.

    Attributes:
        read: the weights file, or the exported folder.
        dataset: what it was trained on, by its own account; empty if it does not say.
        packages: what it runs in beside torch.
    """

    forward: accuracy.Forward
    read: Path
    dataset: str
    preprocessing: Preprocessing | None
    runs_on: str
    packages: tuple[str, ...] = ()


def _of_weights(named: Named, weights: Path | None, device: torch.device) -> _Given:
    if weights is None:
        raise source.without_weights(named)
    model, header = source.read(named, weights)
    place(model, device)
    preprocessing = source.read_preprocessing(named, weights, header)
    return _Given(fuse(model), weights, header.get("dataset", ""), preprocessing, f"torch on {device}")


def _of_export(named: Named, folder: ExportedFolder) -> _Given:
    preprocessing, logits = folder.open()
    source.check_preprocessing(named, preprocessing, f"the export in {folder.path}")
    dataset = named.dataset or ("" if preprocessing.dataset.startswith(FOLDER_PREFIX) else preprocessing.dataset)

    def forward(images: Tensor) -> Tensor:
        found = logits(images.numpy())
        check_logits(found, len(images), len(preprocessing.classes))
        return torch.from_numpy(found)

    return _Given(forward, folder.path, dataset, preprocessing, folder.runs_on, folder.runtime.packages)


def _use_normalisation(images: SearchData, written: Preprocessing | None) -> tuple[SearchData, str]:
    """The data with the means and deviations of the weights file, if any; and a text that says which are used."""
    if written is None:
        return images, "normalised by the training split"
    if written.classes != images.classes:
        raise OptionError(
            f"the weights tell the classes of {written.dataset} apart, and {images.name} has others; give the data "
            "set that they were trained on"
        )
    return replace(images, mean=written.mean, std=written.std), "normalised as the weights say"
