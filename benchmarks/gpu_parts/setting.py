"""What the parts measure: the device, the network, the batches, the images, and how many calls are counted."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from seesaw_nas import data
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.device import synchronise
from seesaw_nas.core.files import write_json
from seesaw_nas.data import Images, SearchData

NETWORK = "seesaw-shuffle-0.5d@cifar10"
CIFAR_TRAIN = 45_000  # images of CIFAR-10 that a training sees


@dataclass
class Background:
    """A process that works beside the parts, if one was started."""

    process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait(self, seconds: float) -> None:
        """Until it has ended, for at most so long."""
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(1.0, seconds))

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


@dataclass(frozen=True)
class Setting:
    """One run of the script.

    Attributes:
        out: folder for results.
        work: folder for the runs of the command line, which are too large to keep.
        data_dir: folder with the unpacked CIFAR-10; ``None`` for random images of its shape.
        smoke: whether next to nothing is done, to try the script itself.
        batches: images of a step, the most telling first.
        warm, counted: calls before and in a measurement.
    """

    device: torch.device
    out: Path
    data_dir: Path | None
    smoke: bool
    spec: str
    architecture: Architecture
    batches: tuple[int, ...]
    warm: int
    counted: int
    work: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="gpu-benchmark-")))
    background: Background = field(default_factory=Background)

    @classmethod
    def of(cls, device: torch.device, out: Path, data_dir: Path | None, smoke: bool) -> Setting:
        """The paper's network at batches from 64 to 2,048; for ``smoke`` a small one of digits."""
        if not smoke:
            architecture = specfile.resolve(NETWORK).architecture
            batches = (64, 1024, 128, 512, 2048, 256)
            return cls(device, out, data_dir, smoke, NETWORK, architecture, batches, warm=12, counted=30)
        block = Block(2, 3, Partition((1, 3)), "shuffle")
        stages = (Stage(16, 2, (block, block)), Stage(24, 1, (block,)))
        architecture = Architecture(8, 1, 10, Stem(8, 1), stages, Head(64))
        spec = out / "small.json"
        write_json(spec, specfile.document(specfile.Named("small", architecture), {"dataset": "digits"}))
        return cls(device, out, None, smoke, str(spec), architecture, (4, 8), warm=5, counted=2)

    @property
    def on_cuda(self) -> bool:
        return self.device.type == "cuda"

    def wait(self) -> None:
        """Until the device has done what it was given."""
        synchronise(self.device)

    def seconds_of(self, call: Callable[[], object], warm: int = 0, counted: int = 0) -> float:
        """Mean seconds of a call, the device waited for at the end alone."""
        for _ in range(warm or self.warm):
            call()
        self.wait()
        begun, count = time.perf_counter(), counted or self.counted
        for _ in range(count):
            call()
        self.wait()
        return (time.perf_counter() - begun) / count

    @cached_property
    def images(self) -> SearchData:
        """CIFAR-10; where it is not at hand, as many random images of its shape, which take as long."""
        if self.data_dir:
            return data.load("cifar10", self.data_dir)
        return random_images(96 if self.smoke else CIFAR_TRAIN, self.architecture.input)

    @property
    def data_options(self) -> list[str]:
        """For the command line: real images where they are at hand, else the digits that it brings."""
        return ["--dataset", "cifar10", "--data-dir", str(self.data_dir)] if self.data_dir else ["--dataset", "digits"]


def random_images(n: int, shape: tuple[int, int, int]) -> SearchData:
    """``n`` random images of ten classes for training, and the same for validation."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, *shape), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (n,), generator=generator))
    return SearchData.of("random", tuple("0123456789"), images, images, flip=True, padding=shape[1] // 8)
