"""Trained networks in use: score them, export them, predict with them, time them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import OptionError
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.deploy import export as exports
from seesaw_nas.deploy import predict as predicting
from seesaw_nas.deploy import score
from seesaw_nas.deploy.export import Exported
from seesaw_nas.deploy.latency import LatencySettings, NetworkLatencies, measure
from seesaw_nas.deploy.latency.measuring import conditions
from seesaw_nas.deploy.names import find_weights
from seesaw_nas.deploy.score import ScoredWeights

if TYPE_CHECKING:
    from seesaw_nas.deploy.predict import Prediction

OnTiming = Callable[[str, str, int, int], None]
"""Told the network, what is timed, how many steps are done and how many there are."""


def evaluate(
    spec: str,
    weights: Path | None = None,
    *,
    dataset: str = "",
    split: str = "validation",
    device: str = "auto",
    data_dir: str = "",
    cache_dir: str = "",
) -> ScoredWeights:
    """Measure weights on a split, see :func:`seesaw_nas.deploy.score.score`.

    Args:
        spec: a spec file, a run's folder or MODEL@SETTING.
        weights: without, those of the training whose folder ``spec`` is; of an export, its own files in
            their runtime (:func:`seesaw_nas.deploy.exported.find_runner`).

    Raises:
        SeesawError: something cannot be read, or does not fit.
    """
    return score.score(
        specfile.resolve(spec),
        weights or find_weights(spec),
        dataset=dataset,
        split=split,
        device=device,
        data_dir=data_dir,
        cache_dir=cache_dir,
        folder=Path(spec) if weights is None and Path(spec).is_dir() else None,
    )


def export(
    spec: str | Named,
    to: str,
    *,
    weights: Path | None = None,
    out: Path | None = None,
    dataset: str = "",
    data_dir: str = "",
    batch: int = 1,
    accept_difference: bool = False,
    quantize: str = "",
    calibration_images: int | None = None,
) -> Exported:
    """Write a network for others to run, see :func:`seesaw_nas.deploy.export.export`.

    Args:
        spec: a spec file, a run's folder or MODEL@SETTING; or what one of these was resolved to.
        to: the form, one of :data:`seesaw_nas.deploy.names.TARGETS`.
        weights: without, those of the training whose folder ``spec`` is.
        batch, accept_difference, quantize, calibration_images: see there.

    Raises:
        SeesawError: something cannot be read, or does not fit; then nothing is written.
    """
    if isinstance(spec, str):
        weights = weights or find_weights(spec)
        spec = specfile.resolve(spec)
    return exports.export(
        spec,
        weights,
        to,
        out,
        dataset=dataset,
        data_dir=data_dir,
        batch=batch,
        accept_difference=accept_difference,
        quantize=quantize,
        calibration_images=calibration_images,
    )


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions for image files, in their order, each made when it is asked for; to be gone through once.

    Attributes:
        runs_on: the runtime and device, for a person.
        passed_over: what of the named folders is not read.
    """

    runs_on: str
    files: tuple[Path, ...]
    entries: Iterator[Prediction]
    passed_over: PassedOver = NOTHING

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Prediction]:
        return self.entries


def predict(model: Path | str, images: Sequence[str], *, top: int = 5, device: str = "auto") -> Predictions:
    """Classify image files.

    Args:
        model: an exported folder or ONNX file, or the folder of a training.
        images: files, and folders that stand for all images in them.
        top: classes of each image, at most.

    Raises:
        SeesawError: the model cannot be read, there are no images, or ``top`` is below 1.
    """
    predicting.check_top(top)
    classifier = predicting.load(Path(model), device)
    files, passed_over = predicting.find_files(images)
    return Predictions(classifier.runs_on, tuple(files), predicting.classify(classifier, files, top), passed_over)


@dataclass(frozen=True, slots=True)
class Timed:
    """Latencies of several networks, and where they were measured."""

    networks: tuple[NetworkLatencies, ...]
    conditions: Mapping[str, str]


def latency(
    specs: Sequence[str],
    settings: LatencySettings | None = None,
    *,
    weights: Path | None = None,
    on_step: OnTiming | None = None,
) -> Timed:
    """Time networks one after another on the device at hand.

    Args:
        specs: spec files, folders of runs or MODEL@SETTING.
        weights: of a single network; without, random ones, which take as long.

    Raises:
        SeesawError: something cannot be read or timed.
    """
    settings = settings or LatencySettings()
    networks = [specfile.resolve(spec) for spec in specs]
    if weights is not None and len(networks) > 1:
        raise OptionError(f"--weights are those of one network, got {len(networks)}; time them one by one")
    found, measured = conditions(settings), []
    for named in networks:

        def step(what: str, done: int, total: int, name: str = named.name) -> None:
            if on_step:
                on_step(name, what, done, total)

        measured.append(NetworkLatencies(named, measure(named.architecture, settings, weights=weights, on_step=step)))
    return Timed(tuple(measured), found)
