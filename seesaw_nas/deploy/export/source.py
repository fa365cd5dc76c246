"""Loads a trained network for an export: its weights, which must fit, and its preprocessing.

Weights are read from safetensors files only. Pickles are refused by their suffix, because opening one can run any code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from seesaw_nas import __version__, data
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import OptionError, RunError, SeesawError, SpecError
from seesaw_nas.data import check_fits
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.network import models
from seesaw_nas.network.models import Network

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")


@dataclass(frozen=True, slots=True, eq=False)
class ExportSource:
    """A trained network that is to be exported.

    Attributes:
        named: the architecture, with the result of the training if its spec file is beside the weights.
        model: the network in eval mode, on the CPU.
        dataset: name by which :func:`seesaw_nas.data.load` loads the data set; empty if it is unknown.
    """

    named: Named
    model: Network
    preprocessing: Preprocessing
    dataset: str

    @property
    def document(self) -> dict[str, Any]:
        """The content of the exported spec file."""
        return specfile.document(self.named, dict(self.named.result))

    @property
    def about(self) -> dict[str, str]:
        """The metadata of an exported file."""
        versions = {name: metadata.version(name) for name in ("torch", "onnx", "onnxscript")}
        return {
            "name": self.named.name,
            "digest": self.named.architecture.digest,
            "params": str(cost.params(self.named.architecture)),
            "macs": str(cost.macs(self.named.architecture)),
            "preprocessing": self.preprocessing.to_json(),
            "spec": json.dumps(self.document),
            "versions": json.dumps({"seesaw_nas": __version__, **versions}),
        }


def load(named: Named, weights: Path, *, dataset: str = "", data_dir: str = "") -> ExportSource:
    """Build the network and read its weights.

    Args:
        dataset: data set that it was trained on, for weights files without preprocessing.
        data_dir: as for :func:`seesaw_nas.data.load`.

    Raises:
        SeesawError: the weights cannot be read or belong to another network, or the preprocessing is unknown.
    """
    model, header = read(named, weights)
    if stored := read_preprocessing(named, weights, header):
        preprocessing = stored
    elif dataset:
        preprocessing = _measure_preprocessing(named, dataset, data_dir)
    else:
        raise OptionError(
            f"the weights in {weights} do not say how their images were normalised; export them with --dataset, naming "
            "what they were trained on"
        )
    dataset = dataset or header.get("dataset", "") or named.dataset
    return ExportSource(_with_result_of(named, weights), model, preprocessing, dataset)


def without_weights(named: Named) -> OptionError:
    """The refusal of a network whose weights nothing names."""
    return OptionError(
        f"'{named.name}' comes without weights; name a file with --weights, or give a finished training's folder, "
        "which `seesaw-nas train` makes"
    )


def read(named: Named, weights: Path) -> tuple[Network, dict[str, str]]:
    """The network with its weights, in eval mode, and the header of the weights file.

    Raises:
        RunError: the weights cannot be read, or belong to another network.
    """
    refuse_pickle(weights)
    model, header = models.load(named.architecture, weights)
    _check_digest(named, weights, header)
    return model, header


def refuse_pickle(path: Path) -> None:
    """Raise :class:`RunError` for a file whose suffix is that of a pickle."""
    if path.suffix.lower() in PICKLES:
        raise RunError(
            f"{path} looks like a pickle, and opening one can run any code, so it is never opened here; give weights "
            "as .safetensors, which safetensors.torch.save_file(model.state_dict(), ...) writes"
        )


def _check_digest(named: Named, weights: Path, header: dict[str, str]) -> None:
    """Check the digest: two networks may agree in the shapes of all tensors, because a permutation has no weights."""
    digest = header.get("digest", named.architecture.digest)
    if digest != named.architecture.digest:
        raise RunError(
            f"the weights in {weights} are of the architecture {header.get('name', '')} {digest}, wanted those of "
            f"{named.name} {named.architecture.digest}; give the spec that they belong to"
        )


def read_preprocessing(named: Named, weights: Path, header: dict[str, str]) -> Preprocessing | None:
    """The preprocessing in the header of a weights file; ``None`` if there is none.

    Raises:
        RunError: it cannot be read, or does not fit the architecture.
    """
    if not (text := header.get("preprocessing")):
        return None
    try:
        preprocessing = Preprocessing.from_json(text)
    except SpecError as error:
        raise RunError(f"the header of {weights} is damaged: {error}") from None
    return check_preprocessing(named, preprocessing, f"the header of {weights}")


def check_preprocessing(named: Named, preprocessing: Preprocessing, place: str) -> Preprocessing:
    """The same preprocessing, which stands at ``place``.

    Raises:
        RunError: it does not fit the architecture.
    """
    came = (preprocessing.channels, preprocessing.size, preprocessing.size, len(preprocessing.classes))
    expected = (*named.architecture.input, named.architecture.classes)
    if came != expected:
        raise RunError(f"{place} says {_shape(came)}, the architecture has {_shape(expected)}; train it again")
    return preprocessing


def _shape(of: tuple[int, ...]) -> str:
    channels, height, width, classes = of
    return f"images of {channels}x{height}x{width} and {classes} classes"


def _measure_preprocessing(named: Named, dataset: str, data_dir: str) -> Preprocessing:
    size = None if dataset in data.ONE_SIZE else named.architecture.input_size
    images = data.load(dataset, Path(data_dir) if data_dir else None, size)
    check_fits(named.architecture, images)
    return Preprocessing.of(images)


def _with_result_of(named: Named, weights: Path) -> Named:
    """``named`` with the result of the training that wrote ``weights``, never with that of another one."""
    try:
        beside = specfile.read(weights.with_name("spec.json"))
    except SeesawError:
        return replace(named, result={})
    same = beside.architecture == named.architecture
    return replace(named, result=beside.result if same else {})
