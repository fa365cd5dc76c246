"""int8 against our own float32, in ONNX Runtime and in OpenVINO.

    python benchmarks/int8.py
    python benchmarks/int8.py FOLDER --data-dir CIFAR --out int8-trained.json

Each argument is a network: MODEL@SETTING or a spec file, with random weights and random images; or the folder of a
training, with its weights, calibrated on its training images and judged on its whole validation split. float32 is
the form that `export` writes. int8 is measured in the form that the rule takes, in that of float32, and dense. All
forms take turns, round by round, in one process on one thread; a figure is the median of the processor's time of a
call. Beside each stands how far its logits are from torch's, as a share of the largest, and on how many images the
class is the same.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy import quantization, runtimes
from seesaw_nas.deploy.export import source
from seesaw_nas.deploy.latency.measuring import random_network
from seesaw_nas.deploy.latency.race import race
from seesaw_nas.deploy.names import find_weights
from seesaw_nas.deploy.quantization import accuracy
from seesaw_nas.deploy.quantization.calibration import IMAGES, SEED
from seesaw_nas.deploy.runtimes.base import Logits
from seesaw_nas.network import folded
from seesaw_nas.network.folded import rule
from seesaw_nas.network.models import Network

RESULTS = Path(__file__).parent / "results"
NETWORKS = ("seesaw-shuffle-0.5d@cifar10", "seesaw-share-v1-0.5d@cifar10", "igcv3-0.5d@cifar10")
BATCHES, CHECKED = (1, 8), 256


def vnni() -> list[str]:
    """The processor's instructions for products of 8 bits, as Linux names them."""
    text = Path("/proc/cpuinfo").read_text() if platform.system() == "Linux" else ""
    flags = set(text.partition("flags")[2].partition("\n")[0].split())
    return sorted(flags & {"avx512_vnni", "avx_vnni", "amx_int8"})


class Subject:
    """A network with images to calibrate with and images to compare on."""

    def __init__(self, name: str, data_dir: str, images: int) -> None:
        named = specfile.resolve(name)
        weights, self.name, self.macs = find_weights(name), named.name, cost.macs(named.architecture)
        self.given: quantization.Calibration | None = None
        if weights is None:
            self.network: Network = random_network(named.architecture, seed=0)
            rng = np.random.default_rng(0)
            drawn = rng.standard_normal((64 + CHECKED, *named.architecture.input), np.float32)
            self.calibration, self.images, self.weights = drawn[:64], drawn[64:], "random"
            return
        loaded = source.load(named, weights)
        place = Path(data_dir) if data_dir else None
        self.given = quantization.load_calibration(loaded.dataset, place, loaded.preprocessing, images)
        first = self.given.validation.first(CHECKED).numpy()
        self.network, self.preprocessing = loaded.model, loaded.preprocessing
        self.calibration, self.images = self.given.images, loaded.preprocessing.apply(first)
        self.weights = f"trained, calibrated on {images} training images of {self.given.dataset} (seed {SEED})"

    def agreement(self, logits: Logits) -> dict[str, float]:
        """Largest difference from torch, as a share of the largest logit, and the share of equal classes."""
        expected, came = accuracy.before(self.network)(self.images), logits(self.images)
        difference = np.abs(came - expected).max() / np.abs(expected).max()
        return {"difference": float(difference), "top1_same": float((came.argmax(1) == expected.argmax(1)).mean())}


def forms(subject: Subject, runtime: str) -> dict[str, tuple[Logits, dict[str, Any]]]:
    """A function for each form, and what is known of it."""
    kind, float_form = runtimes.find(runtime), rule.graph(runtime)
    made = {"float32": (kind.convert(folded.split(subject.network, float_form)), {})}
    for name, form in (("int8", None), ("int8, form of float32", float_form), ("int8, dense", lambda block: "dense")):
        files, coverage = quantization.quantize(runtime, subject.network, subject.calibration, form)
        made[name] = (files, {"layers": coverage.to_dict()})
    opened: dict[str, tuple[Logits, dict[str, Any]]] = {}
    for name, (files, about) in made.items():
        logits = kind.open(files, threads=1)
        about |= {"bytes": sum(map(len, files.values())), **subject.agreement(logits)}
        if subject.given and name != "float32":
            reference = accuracy.before(subject.network)
            change = accuracy.compare(reference, logits, subject.given.validation, subject.preprocessing)
            about["accuracy"] = change.to_dict()
        opened[name] = logits, about
    return opened


def time_calls(opened: dict[str, tuple[Logits, dict[str, Any]]], images: Floats, seconds: float) -> dict[str, Any]:
    """Median milliseconds of a call of each form, and how many times as fast as float32 it is."""

    def call(logits: Logits) -> Callable[[], object]:
        return lambda: logits(images)

    times = race({name: call(logits) for name, (logits, _) in opened.items()}, seconds, process_time)
    base, figures = times["float32"].seconds, {}
    for name, own in times.items():
        speedup = statistics.median(base) / statistics.median(own.seconds)
        quartiles = [1000 * cut for cut in statistics.quantiles(own.seconds, n=4)]
        figures[name] = {
            "median_ms": quartiles[1],
            "quartiles_ms": [quartiles[0], quartiles[2]],
            "calls": len(own.seconds),
            "times_float32": speedup,
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--runtimes", nargs="+", default=["onnxruntime", "openvino"])
    parser.add_argument("--data-dir", default="", help="folder with the images of a training")
    parser.add_argument("--calibration-images", type=int, default=IMAGES)
    parser.add_argument("--seconds", type=float, default=4.0, help="of calls for each figure")
    parser.add_argument("--out", default="int8.json", help="file in benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in options.networks:
        subject = Subject(name, options.data_dir, options.calibration_images)
        for runtime in options.runtimes:
            opened = forms(subject, runtime)
            for batch in BATCHES:
                images = np.ascontiguousarray(subject.images[:batch])
                for form, figures in time_calls(opened, images, options.seconds).items():
                    row = {"network": subject.name, "macs": subject.macs, "weights": subject.weights}
                    row |= {"runtime": runtime, "form": form, "batch": batch, **figures, **opened[form][1]}
                    rows.append(row)
                    print(
                        f"{subject.name} {runtime:<12} {form:<22} batch {batch}: {figures['median_ms']:8.3f} ms, "
                        f"{figures['times_float32']:.2f} times float32; off by {row['difference']:.1e}, "
                        f"top-1 the same on {row['top1_same']:.1%}",
                        flush=True,
                    )
    packages = [package for name in options.runtimes for package in runtimes.find(name).packages]
    about = conditions("CPU", *packages) | {"threads": "1", "instructions for 8 bits": ", ".join(vnni()) or "none"}
    write_json(RESULTS / options.out, {"conditions": about, "rows": rows})


if __name__ == "__main__":
    main()
