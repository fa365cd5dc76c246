"""Execution of training steps: one operator after another (eager), as CUDA graphs, or by torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch

from seesaw_nas.core.errors import OptionError, TrainingFailed, known
from seesaw_nas.network.fast import Formulation, formulation_for
from seesaw_nas.training.graphs import Record, cuda_graphs
from seesaw_nas.training.recipes import EXECUTIONS

COMPILER = "inductor"  # torch.compile's own
COMPILE_SECONDS = 60.0  # the least time that inductor needs for a step of one batch size
FEWEST = 50  # steps from which on graphs are chosen automatically: warm-up and comparison take about ten steps
COMPILERS = {  # message of torch.compile if a compiler is missing, and the remedy
    "No working C++ compiler": "install a C++ compiler (apt install g++)",
    "working triton installation": "install Triton (pip install triton)",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """The way in which steps are executed. A training may be resumed with another one.

    Mathematics and checkpoints are the same. Figures differ by rounding, and with inductor also by dropout's draws.

    Attributes:
        kind: one of :data:`seesaw_nas.training.recipes.EXECUTIONS`.
        compiler: backend of torch.compile, for the kind ``compile``.
        recorder: returns a :data:`Record` for a device; tests replace it.
    """

    kind: str = "auto"
    compiler: str = field(default_factory=lambda: COMPILER)
    recorder: Callable[[torch.device], Record] = cuda_graphs

    def __post_init__(self) -> None:
        if self.kind not in EXECUTIONS:
            raise OptionError(known("execution", self.kind, EXECUTIONS))

    @property
    def compiles(self) -> bool:
        return self.kind == "compile"

    @property
    def records(self) -> bool:
        return self.kind == "graphs"

    def check(self, device: torch.device, processes: int = 1) -> None:
        """Refuse an execution that is impossible here.

        Raises:
            OptionError: CUDA graphs without CUDA, or in several processes.
        """
        if self.records and not self._can_record(device):
            raise OptionError(f"--execution graphs wants a CUDA device, got {device}; leave it out")
        if self.records and processes > 1:
            raise OptionError(f"--execution graphs wants one process, got {processes}; start without torchrun")

    def resolve(self, device: torch.device, processes: int = 1, steps: int = FEWEST) -> Execution:
        """Replace ``auto`` by ``graphs``, whose steps must then be compared with eager ones, or by ``eager``.

        Args:
            steps: number of steps of the whole training.
        """
        if self.kind != "auto":
            return self
        pays = self._can_record(device) and processes == 1 and steps >= FEWEST
        return replace(self, kind="graphs" if pays else "eager")

    def _can_record(self, device: torch.device) -> bool:
        return device.type == "cuda" or self.recorder is not cuda_graphs

    def formulation(self, device: torch.device) -> Formulation:
        """The formulation of networks; for a compiler, one with torch's own operators only."""
        formulation = formulation_for(device)
        return replace(formulation, folds=False, compiles=True) if self.compiles else formulation

    def plan(self, device: torch.device, processes: int = 1) -> dict[str, str]:
        """The entry on execution for a record that is written before the training; empty if it is eager by default."""
        automatic = self.kind == "auto" and self.resolve(device, processes).records
        if automatic:
            return {"steps": f"{EXECUTED['graphs']}, where they agree with eager steps"}
        return {} if self.kind == "auto" else self.conditions

    @property
    def conditions(self) -> dict[str, str]:
        """The entry on execution for the record of a training."""
        return {"steps": f"torch.compile, {self.compiler}" if self.compiles else EXECUTED[self.kind]}

    def warn(self, seconds: float, sizes: int) -> str:
        """A warning if compiling takes longer than the training; else empty.

        Args:
            seconds: duration of the training without compiling.
            sizes: number of sizes of batches, each of which is compiled.
        """
        least = COMPILE_SECONDS * sizes
        if not self.compiles or seconds >= least:
            return ""
        return (
            f"torch.compile takes {least:.0f} s or more before the first steps, this training without it about "
            f"{seconds:.0f} s; leave out --execution compile"
        )


EXECUTED = {"eager": "eager", "graphs": "CUDA graphs"}  # the words of records
EAGER, AUTOMATIC = Execution("eager"), Execution("auto")


@contextmanager
def explain_compiler_failures() -> Iterator[None]:
    """Context that turns a failure of torch.compile into one line.

    Raises:
        TrainingFailed: torch.compile failed, for example because there is no C++ compiler.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = str(error).strip().partition("\n")[0]
        remedy = "".join(f"{install}, or " for words, install in COMPILERS.items() if words in str(error))
        raise TrainingFailed(f"torch.compile failed: {reason}; {remedy}train without --execution compile") from None
