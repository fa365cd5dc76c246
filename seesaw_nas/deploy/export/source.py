"""A trained network with all that its export needs: weights that fit, and what its images must become.

Weights are read from safetensors files alone. Pickles are refused by their name: opening one can run any code.
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
    """What is exported.

    Attributes:
        named: with the result of the training whose weights these are, where its spec lies beside them.
        model: in eval mode, on the CPU.
        dataset: as :func:`seesaw_nas.data.load` reads it; empty where nothing says.
    """

    named: Named
    model: Network
    preprocessing: Preprocessing
    dataset: str

    @property
    def document(self) -> dict[str, Any]:
        """The content of its spec file."""
        return specfile.document(self.named, dict(self.named.result))

    @property
    def about(self) -> dict[str, str]:
        """What an exported file says of itself."""
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
        dataset: that it was trained on, for weights that do not say what their images must become.
        data_dir: as for :func:`seesaw_nas.data.load`.

    Raises:
        SeesawError: the weights cannot be read, or are of another network; nothing says what the images must become.
    """
    model, header = read(named, weights)
    if found := read_preprocessing(named, weights, header):
        preprocessing = found
    elif dataset:
        preprocessing = _measured(named, dataset, data_dir)
    else:
        raise OptionError(
            f"the weights in {weights} do not say how their images were normalised; export them with --dataset, naming "
            "what they were trained on"
        )
    dataset = dataset or header.get("dataset", "") or named.dataset
    return ExportSource(_with_result_of(named, weights), model, preprocessing, dataset)


def read(named: Named, weights: Path) -> tuple[Network, dict[str, str]]:
    """The network with its weights, in eval mode, and what the header of their file says.

    Raises:
        RunError: the weights cannot be read, or are of another network.
    """
    refuse_pickle(weights)
    model = models.build(named.architecture, seed=0).eval()
    header = models.load_weights(model, weights)
    _check_digest(named, weights, header)
    return model, header


def refuse_pickle(path: Path) -> None:
    """Raise :class:`RunError` for a file whose name says that it is a pickle."""
    if path.suffix.lower() in PICKLES:
        raise RunError(
            f"{path} looks like a pickle, and opening one can run any code, so it is never opened here; give weights "
            "as .safetensors, which safetensors.torch.save_file(model.state_dict(), ...) writes"
        )


def _check_digest(named: Named, weights: Path, header: dict[str, str]) -> None:
    """Tensors of two networks may agree in every shape: a permutation has no weights."""
    digest = header.get("digest", named.architecture.digest)
    if digest != named.architecture.digest:
        raise RunError(
            f"the weights in {weights} are of the architecture {header.get('name', '')} {digest}, wanted those of "
            f"{named.name} {named.architecture.digest}; give the spec that they belong to"
        )


def read_preprocessing(named: Named, weights: Path, header: dict[str, str]) -> Preprocessing | None:
    """What the header of a weights file says that images must become; ``None`` where it says nothing.

    Raises:
        RunError: it cannot be read, or is of other images than the architecture's.
    """
    if not (text := header.get("preprocessing")):
        return None
    try:
        preprocessing = Preprocessing.from_json(text)
    except SpecError as error:
        raise RunError(f"the header of {weights} is damaged: {error}") from None
    came = (preprocessing.channels, preprocessing.size, preprocessing.size, len(preprocessing.classes))
    expected = (*named.architecture.input, named.architecture.classes)
    if came != expected:
        raise RunError(
            f"the header of {weights} says {_shape(came)}, the architecture has {_shape(expected)}; train it again"
        )
    return preprocessing


def _shape(of: tuple[int, ...]) -> str:
    channels, height, width, classes = of
    return f"images of {channels}x{height}x{width} and {classes} classes"


def _measured(named: Named, dataset: str, data_dir: str) -> Preprocessing:
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
