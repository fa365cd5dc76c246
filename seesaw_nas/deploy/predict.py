"""Classifies image files with a trained or exported network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from seesaw_nas.architecture import specfile
from seesaw_nas.core.device import find_device, full_precision
from seesaw_nas.core.errors import DataError, OptionError, RunError
from seesaw_nas.data import crops, decode
from seesaw_nas.data.pictures import explain, printable
from seesaw_nas.data.preprocessing import COLOURS, Floats, Pixels, Preprocessing
from seesaw_nas.data.unread import PassedOver
from seesaw_nas.data.unreadable import check_decoder
from seesaw_nas.data.walk import KINDS, NAMED, find_pictures
from seesaw_nas.deploy.export import onnx_file, source
from seesaw_nas.deploy.names import find_runtime, find_weights, is_int8
from seesaw_nas.deploy.runtimes.base import Logits
from seesaw_nas.network import folded

BATCH = 16  # the fastest batch size in measurements on a CPU; larger ones only need more memory


@dataclass(frozen=True, slots=True)
class Classifier:
    """A network ready to classify.

    Attributes:
        logits: function from normalised images to logits.
        runs_on: runtime and device, in words.
    """

    preprocessing: Preprocessing
    logits: Logits
    runs_on: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one file.

    Attributes:
        classes: the most probable classes with their probabilities, in descending order; empty for an unreadable file.
        problem: why the file cannot be read; empty otherwise.
    """

    file: Path
    classes: tuple[tuple[str, float], ...]
    problem: str = ""

    @property
    def line(self) -> str:
        """For a terminal, with escapes for what would not show there."""
        if self.problem:
            return printable(f"cannot read {self.file}: {self.problem}")
        return printable(f"{self.file}  " + ", ".join(f"{name} {share:.2%}" for name, share in self.classes))


def load(path: Path, device: str = "auto") -> Classifier:
    """Load the network in an exported folder, an exported ONNX file or the folder of a training.

    An exported folder runs in ONNX Runtime on the CPU and in torch on CUDA, in int8 on the CPU only; the folder of a
    training always runs in torch.

    Raises:
        SeesawError: ``path`` is none of these, cannot be read, or cannot run on that device.
    """
    chosen = find_device(device)
    if not path.exists():
        raise RunError(f"there is no {path}; give an exported folder or .onnx file, or the folder of a training")
    if path.is_dir():
        quantized = is_int8(path)
        if quantized and device != "auto" and chosen.type != "cpu":
            raise OptionError(f"{path} holds a network in int8, which runs on the CPU only; leave --device out")
        if (quantized or chosen.type == "cpu") and (path / "model.onnx").is_file():
            return _with_onnxruntime(path / "model.onnx")
        return _with_torch(path, chosen)
    if path.suffix != ".onnx":
        raise _refusal(path)
    if chosen.type != "cpu" and device != "auto":
        raise OptionError(f"an .onnx file is run on the CPU; for {chosen} give the folder of the export or training")
    return _with_onnxruntime(path)


def _refusal(path: Path) -> RunError:
    source.refuse_pickle(path)
    if path.suffix == ".pt2":
        return RunError(
            f"{path} is not opened: torch.export.load may unpickle and evaluate what a .pt2 file holds, which can run "
            "any code; load it yourself if you trust it, or give the .onnx file"
        )
    return RunError(f"{path} is no network to run; give an exported folder or .onnx file, or the folder of a training")


def _with_onnxruntime(path: Path) -> Classifier:
    preprocessing, logits = onnx_file.open_file(path)
    return Classifier(_check_readable(preprocessing, path), logits, "ONNX Runtime on the CPU")


def _with_torch(folder: Path, device: torch.device) -> Classifier:
    weights = find_weights(str(folder))
    if weights is None and (runtime := find_runtime(folder)):
        raise RunError(
            f"{folder} holds a network for {runtime}, which its own example.py runs; predict takes the folder of "
            "`export --to folder`, an .onnx file or the folder of a training"
        )
    if weights is None or not (folder / "spec.json").is_file():
        raise RunError(f"{folder} is neither an export nor a finished training: no spec.json with weights.safetensors")
    loaded = source.load(specfile.read(folder / "spec.json"), weights)
    model = folded.fuse(loaded.model.to(device))

    @torch.inference_mode()
    def logits(images: Floats) -> Floats:
        with full_precision(device):
            result: Floats = model(torch.from_numpy(images).to(device)).cpu().numpy()
        return result

    return Classifier(_check_readable(loaded.preprocessing, folder), logits, f"torch on {device}")


def _check_readable(preprocessing: Preprocessing, path: Path) -> Preprocessing:
    if preprocessing.channels not in COLOURS:
        raise OptionError(f"the network in {path} reads {preprocessing.channels} channels, image files have 1 or 3")
    if preprocessing.short_side != preprocessing.size and not _is_cropped_as_streamed(preprocessing):
        raise OptionError(
            f"the network in {path} wants pictures of short side {preprocessing.short_side}, cut to "
            f"{preprocessing.size}: this release cuts colour pictures of {crops.short_side(preprocessing.size)} only"
        )
    return preprocessing


def _is_cropped_as_streamed(preprocessing: Preprocessing) -> bool:
    """Whether pictures are to be cropped as in the evaluation of streamed images."""
    return preprocessing.channels == 3 and preprocessing.short_side == crops.short_side(preprocessing.size)


def files(names: Sequence[str | Path]) -> list[Path]:
    """The files of :func:`find_files`, without what is passed over."""
    return find_files(names)[0]


def find_files(names: Sequence[str | Path]) -> tuple[list[Path], PassedOver]:
    """The named files, in their order, and what is passed over in folders.

    A folder is replaced by all images in it and below, sorted by name.

    Raises:
        DataError: a folder has no images, or there are no names.
    """
    paths: list[Path] = []
    passed: list[str] = []
    for path in [Path(name) for name in names if str(name)]:  # an empty name would be the current folder
        inside, beside = find_pictures(path) if path.is_dir() else ([path], [])
        if not inside:
            raise DataError(f"the folder {path} has no images ({KINDS})")
        paths += inside
        passed += beside
    if not paths:
        raise DataError("no images are named; give image files, or folders of them")
    return paths, PassedOver(len(passed), tuple(map(printable, passed[:NAMED])))


def classify(classifier: Classifier, paths: Sequence[Path], top: int) -> Iterator[Prediction]:
    """Yield a prediction for each file, in order; only one batch of images is in memory at a time.

    Args:
        top: the most classes for each file.

    Raises:
        OptionError: ``top`` is below 1.
    """
    check_top(top)
    check_decoder()
    return _classify(classifier, paths, top)


def check_top(top: int) -> None:
    """Refuse a number of classes that is below 1, before a model or an image is read.

    Raises:
        OptionError: it is.
    """
    if top < 1:
        raise OptionError(f"--top must be at least 1, got {top}")


def _classify(classifier: Classifier, paths: Sequence[Path], top: int) -> Iterator[Prediction]:
    read = partial(_read, preprocessing=classifier.preprocessing)
    with ThreadPoolExecutor(decode.THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            pixels = list(pool.map(read, batch))
            readable = [image for image in pixels if not isinstance(image, str)]
            shares = iter(_probabilities(classifier, np.stack(readable)) if readable else ())
            for path, image in zip(batch, pixels, strict=True):
                if isinstance(image, str):
                    yield Prediction(path, (), image)
                else:
                    yield Prediction(path, _most_probable(next(shares), classifier.preprocessing.classes, top))


def _read(path: Path, preprocessing: Preprocessing) -> Pixels | str:
    """The image, or why it cannot be read."""
    try:
        if preprocessing.short_side != preprocessing.size:
            return crops.centre_crop(path, preprocessing.size).transpose(2, 0, 1)
        return decode.read(path, preprocessing.size, grey=preprocessing.channels == 1)
    except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
        return explain(error)


def _probabilities(classifier: Classifier, pixels: Pixels) -> npt.NDArray[np.float64]:
    logits = classifier.logits(classifier.preprocessing.apply(pixels)).astype(np.float64)  # (N, classes)
    wanted = (len(pixels), len(classifier.preprocessing.classes))
    if logits.shape != wanted or not np.isfinite(logits).all():
        came = f"shape {logits.shape}, wanted {wanted}" if logits.shape != wanted else "values that are not finite"
        raise RunError(f"the network gives outputs with {came}: it is damaged; export or train it again")
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares


def _most_probable(shares: npt.NDArray[np.float64], classes: Sequence[str], top: int) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-shares, kind="stable")[:top]
    return tuple((classes[i], float(shares[i])) for i in order)
