"""Post-training quantisation to int8: weights and activations of 8 bits, without another training.

A runtime's own tool writes the file: one module here for each runtime that has one. They share calibration images from
the training split, a count of what was quantised, and the accuracy before and after on the validation split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seesaw_nas.core.errors import RunError
from seesaw_nas.data.preprocessing import Floats, Preprocessing
from seesaw_nas.deploy.quantization import accuracy, calibration, onnxruntime, openvino
from seesaw_nas.deploy.quantization.accuracy import AccuracyChange
from seesaw_nas.deploy.quantization.calibration import Calibration
from seesaw_nas.deploy.quantization.coverage import Coverage
from seesaw_nas.deploy.runtimes import graph_macs
from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.deploy.runtimes.onnxruntime import MODEL
from seesaw_nas.deploy.runtimes.openvino import save
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network import folded
from seesaw_nas.network.folded import rule
from seesaw_nas.network.folded.rule import GraphRule
from seesaw_nas.network.models import Network

__all__ = ["AccuracyChange", "Calibration", "Coverage", "Quantized", "judge", "load_calibration", "quantize"]

INT8 = "int8"
MOST_LOST = 0.01  # of top-1, a fraction; a network that loses more is not written unless the user accepts it

load_calibration = calibration.load


@dataclass(frozen=True, slots=True)
class Quantized:
    """A quantised network with all that was found out about it.

    Attributes:
        files: as the runtime reads them.
        graph_macs: Multi-Adds of the graph, zeros that it stores for narrow groups included.
        images, seed: number of calibration images, and the seed of their draw.
        dataset: the data set of these images, of which ``accuracy`` is, too.
        accuracy: top-1 before and after, on the whole validation split.
    """

    files: Files
    graph_macs: int
    coverage: Coverage
    images: int
    seed: int
    dataset: str
    accuracy: AccuracyChange

    @property
    def sentences(self) -> tuple[str, str, str]:
        """What was calibrated, what was quantised and what it cost, for people."""
        images = f"{self.images:,} training image{'s' if self.images > 1 else ''}"
        return (
            f"Calibrated on {images} of {self.dataset} (seed {self.seed}).",
            self.coverage.sentence,
            self.accuracy.sentence,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the files."""
        return {
            "precision": INT8,
            "calibration": {"dataset": self.dataset, "split": "train", "images": self.images, "seed": self.seed},
            "coverage": self.coverage.to_dict(),
            "accuracy": {"split": "validation", **self.accuracy.to_dict(), "most_lost": MOST_LOST},
        }


def quantize(
    runtime: str, network: Network, images: Floats, formulation: GraphRule | None = None
) -> tuple[Files, Coverage]:
    """The files of a trained network in int8, in the form that is fastest so, and how much of it is in int8.

    Args:
        runtime: ``onnxruntime`` or ``openvino``.
        images: to calibrate with, normalised, (n, C, H, W).
        formulation: rule for the form of each block; by default the fastest one in int8.

    Raises:
        OptionError: a package is not installed.
        RunError: something was left in float in the file.
    """
    graph = write_graph(record(folded.split(network, formulation or rule.graph(runtime, INT8))))
    if runtime == "onnxruntime":
        content = onnxruntime.quantize(graph, images)
        files, coverage = {MODEL: content}, onnxruntime.count(content)
    else:
        model = openvino.quantize(graph, images)
        files, coverage = dict(save(model)), openvino.count(model)
    if not coverage.is_whole:
        raise RunError(
            f"only {coverage.quantized} of {coverage.layers} convolutions and matrix products were quantised by "
            f"{runtime}; nothing was written. Export in float32, or with the version that constraints.txt names"
        )
    return files, coverage


def judge(
    runtime: Runtime, network: Network, given: Calibration, preprocessing: Preprocessing, *, accept: bool = False
) -> Quantized:
    """Quantise a network, and hold its top-1 on the validation split against that before.

    Args:
        accept: whether a loss above ``MOST_LOST`` is accepted.

    Raises:
        RunError: something was left in float, or top-1 fell by more than ``MOST_LOST``.
        OptionError: a package is not installed.
    """
    files, coverage = quantize(runtime.name, network, given.images)
    change = accuracy.compare(accuracy.before(network), runtime.open(files, threads=1), given.validation, preprocessing)
    if change.change < -MOST_LOST and not accept:
        raise RunError(
            f"int8 loses more than {100 * MOST_LOST:g} point of top-1, nothing was written: {change.sentence} More "
            "--calibration-images may help; --accept-difference writes it all the same"
        )
    macs = graph_macs.of_network(folded.split(network, rule.graph(runtime.name, INT8)))
    return Quantized(files, macs, coverage, len(given.images), given.seed, given.dataset, change)
