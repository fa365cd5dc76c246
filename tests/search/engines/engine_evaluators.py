"""An evaluator that other processes can load: scores by digest, notes what it does, and breaks where it is told to."""

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators import Score
from seesaw_nas.training.epoch import Epoch


def top1_of(architecture, seed=0):
    return int(architecture.digest[:6], 16) / 0xFFFFFF


@dataclass(frozen=True)
class Noting:
    """Notes each training that begins and each that ends, a line each, in a file.

    Attributes:
        seconds: that a training takes.
        deadly: how often the process is killed at a digest.
        broken: the digest whose training fails.
        defect: the digest at which something else is raised.
        together: how many processes are to be in a training before the first one ends.
        large: how often memory runs out at a digest.
        raises: what every training raises.
    """

    log: Path
    seconds: float = 0.0
    deadly: Mapping[str, int] = field(default_factory=dict)
    broken: str = ""
    defect: str = ""
    together: int = 1
    epochs: int = 1
    large: Mapping[str, int] = field(default_factory=dict)
    raises: BaseException | None = None

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        digest = architecture.digest
        self._note("begun", digest)
        if len(self.of("begun", digest)) <= self.deadly.get(digest, 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.of("begun", digest)) <= self.large.get(digest, 0):
            self._note("out-of-memory", digest)
            raise RuntimeError("CUDA error: out of memory")
        if self.raises is not None:
            raise self.raises
        if digest == self.broken:
            raise TrainingFailed("loss is not finite in epoch 1 of 1")
        if digest == self.defect:
            raise ValueError("no such thing")
        while len(set(self.of("begun"))) < self.together:
            time.sleep(0.05)
        time.sleep(self.seconds)
        self._note("ended", digest)
        return Score(top1_of(architecture), "validation", self.seconds)

    def estimate(self, architecture):
        return self.seconds

    def _note(self, what, digest):
        with self.log.open("a") as file:  # one write below the size of a pipe's buffer is not torn
            file.write(f"{what} {digest} {os.getpid()}\n")

    def notes(self):
        return [tuple(line.split()) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def of(self, what, digest=""):
        """The processes of all such notes, in order."""
        return [int(pid) for noted, of, pid in self.notes() if noted == what and digest in ("", of)]

    def ended(self):
        """The digests whose training came to its end, in order."""
        return [digest for what, digest, _ in self.notes() if what == "ended"]


@dataclass(frozen=True)
class Travelling(Noting):
    """Notes where it is put; it travels from the CPU alone, and no process but the proposing one has room for it.

    Attributes:
        proposing: the process that has room; 0 where all have.
        device: where it is.
    """

    proposing: int = 0
    device: str = "elsewhere"

    def on(self, device):
        if self.proposing not in (0, os.getpid()):
            raise RuntimeError("CUDA error: out of memory")
        self._note("put", f"{device}")
        return replace(self, device=device)

    def __reduce__(self):
        assert self.device == "cpu", f"sent from {self.device}"
        return super().__reduce__()


class NotingTogether(Noting):
    """Scores three at a time, and notes each of them."""

    @property
    def at_once(self):
        return 3

    def scores(self, architectures):
        return [self.evaluate(architecture, seed=0) for architecture in architectures]


CLIMB = 4  # epochs


@dataclass(frozen=True)
class Climbing:
    """Four epochs, each noted in a file; its checkpoint is the number of epochs, if it keeps one.

    Attributes:
        broken: the epoch that fails; 0 for none.
        scored: the epochs that have a top-1.
    """

    log: Path
    keeps: bool = True
    broken: int = 0
    scored: tuple[int, ...] = (1, 2, 3, 4)
    epochs: int = CLIMB

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for number in range(done + 1, CLIMB + 1):
            if number == self.broken:
                raise TrainingFailed("loss is not finite")
            with self.log.open("a") as file:
                file.write(f"{architecture.digest} {number}\n")
            if self.keeps:
                checkpoint.write_text(str(number))
            top1 = self.top1(architecture, number) if number in self.scored else None
            on_epoch(Epoch(number, 1.0, 0.5, top1, 0.1))
        return Score(self.top1(architecture, CLIMB), "validation", 1.0)

    @staticmethod
    def top1(architecture, epoch):
        return top1_of(architecture) * epoch / CLIMB

    def trained(self):
        """The epochs trained, in order."""
        return [int(line.split()[1]) for line in self.log.read_text().splitlines()] if self.log.exists() else []
