"""Measures the accuracy of existing weights on a split that the caller chooses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from seesaw_nas import data
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe, find_device, place
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.data import check_fits
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.deploy.export import onnx_file, source
from seesaw_nas.deploy.names import SPLITS
from seesaw_nas.network.folded import fuse
from seesaw_nas.training import accuracy

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData, Split
    from seesaw_nas.data.preprocessing import Preprocessing
    from seesaw_nas.training.accuracy import Accuracy

BATCH = 256  # images of a call


@dataclass(frozen=True, slots=True)
class ScoredWeights:
    """The accuracy of weights on one split.

    Attributes:
        weights: the file that was measured.
        normalised: whether images were normalised as the weights file says or by the training split, in words.
        passed_over: what of the data set's folder is not read.
    """

    named: Named
    weights: Path
    dataset: str
    split: str
    accuracy: Accuracy
    normalised: str
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
    graph: Path | None = None,
) -> ScoredWeights:
    """Measure ``weights`` on a split of a data set.

    To choose between networks, use the validation split: accuracy on the test split is only unbiased as long as nothing
    was chosen by it.

    Args:
        dataset: data set; empty for the one that the weights file or else the spec names.
        data_dir, cache_dir: as for :func:`seesaw_nas.data.load`.
        graph: an ONNX file of this network, which runs in place of the weights, on the CPU.

    Raises:
        SeesawError: no such split or data set, or the weights cannot be read or do not fit spec and images.
    """
    if split not in SPLITS:
        raise OptionError(known("split", split, SPLITS))
    if weights is None:
        raise OptionError(
            f"'{named.name}' comes without weights; name a file with --weights, or give a finished training's folder, "
            "which `seesaw-nas train` makes"
        )
    on = _find_device(device, graph)
    model, header = source.read(named, weights)
    name = dataset or header.get("dataset", "") or named.dataset
    if not name:
        raise OptionError(f"neither {weights} nor the spec names a data set; add --dataset")
    size = None if name in data.ONE_SIZE else named.architecture.input_size
    folder, cache = (Path(path) if path else None for path in (data_dir, cache_dir))
    images = data.load(name, folder, size, cache_dir=cache)
    check_fits(named.architecture, images)
    images, normalised = _use_normalisation(images, source.read_preprocessing(named, weights, header))
    chosen: Split = images.validation if split == "validation" else data.load_test(name, folder, size, cache_dir=cache)
    place(model, on)
    forward = _forward(graph) if graph else fuse(model)
    (measured,) = accuracy.tally([forward], chosen, images.mean, images.std, device=on, batch_size=BATCH)
    read = graph or weights
    if not isfinite(measured.loss):
        raise RunError(
            f"the weights in {read} give a loss of {measured.loss}: its outputs are not finite; train it again"
        )
    about = conditions(describe(on))
    return ScoredWeights(named, read, images.name, split, measured, normalised, about, images.passed_over)


def _find_device(device: str, graph: Path | None) -> torch.device:
    on = find_device("cpu" if graph and device == "auto" else device)
    if graph and on.type != "cpu":
        raise OptionError(f"{graph} holds a network in int8, which runs on the CPU only; leave --device out")
    return on


def _forward(graph: Path) -> accuracy.Forward:
    _, logits = onnx_file.open_file(graph)
    return lambda images: torch.from_numpy(logits(images.numpy()))


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
