"""How the steps of a training are executed: one operator after another, as CUDA graphs, or by torch.compile."""

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
COMPILE_SECONDS = 60.0  # of inductor for a step of one batch size, at the least
FEWEST = 50  # steps of a training whose steps are recorded without being asked for: warm-up and check take about ten
COMPILERS = {  # what it says where what it compiles with is missing, and the remedy
    "No working C++ compiler": "install a C++ compiler (apt install g++)",
    "working triton installation": "install Triton (pip install triton)",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """What a step is executed by. A training may go on under another one.

    The mathematics and the checkpoints are the same. Figures differ by rounding, and where ``compiler`` is inductor by
    the draws of dropout, too.

    Attributes:
        kind: one of :data:`seesaw_nas.training.recipes.EXECUTIONS`.
        compiler: torch.compile's backend, for that kind.
        recorder: makes what records the steps of one training on a device; another one is for tests.
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
        """Refuse what cannot be done.

        Raises:
            OptionError: CUDA graphs without CUDA, or in several processes.
        """
        if self.records and not self._can_record(device):
            raise OptionError(f"--execution graphs wants a CUDA device, got {device}; leave it out")
        if self.records and processes > 1:
            raise OptionError(f"--execution graphs wants one process, got {processes}; start without torchrun")

    def resolve(self, device: torch.device, processes: int = 1, steps: int = FEWEST) -> Execution:
        """Choose where the choice is automatic: graphs, which are to be held against eager steps, or eager.

        Args:
            steps: of the whole training.
        """
        if self.kind != "auto":
            return self
        pays = self._can_record(device) and processes == 1 and steps >= FEWEST
        return replace(self, kind="graphs" if pays else "eager")

    def _can_record(self, device: torch.device) -> bool:
        return device.type == "cuda" or self.recorder is not cuda_graphs

    def formulation(self, device: torch.device) -> Formulation:
        """How a network is computed: a compiler wants torch's own operators alone."""
        formulation = formulation_for(device)
        return replace(formulation, folds=False, compiles=True) if self.compiles else formulation

    def plan(self, device: torch.device, processes: int = 1) -> dict[str, str]:
        """What the record of a beginning says of it, where there is a choice."""
        automatic = self.kind == "auto" and self.resolve(device, processes).records
        if automatic:
            return {"steps": f"{EXECUTED['graphs']}, where they agree with eager steps"}
        return {} if self.kind == "auto" else self.conditions

    @property
    def conditions(self) -> dict[str, str]:
        """What the record of a training says of it."""
        return {"steps": f"torch.compile, {self.compiler}" if self.compiles else EXECUTED[self.kind]}

    def warn(self, seconds: float, sizes: int) -> str:
        """Say where compiling cannot pay; empty where it can.

        Args:
            seconds: that the training takes without.
            sizes: of batches, each of which is compiled.
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
    """Turn what torch.compile could not do into one line.

    Raises:
        TrainingFailed: there is no C++ compiler, or it failed.
    """
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise
        reason = str(error).strip().partition("\n")[0]
        remedy = "".join(f"{install}, or " for words, install in COMPILERS.items() if words in str(error))
        raise TrainingFailed(f"torch.compile failed: {reason}; {remedy}train without --execution compile") from None
