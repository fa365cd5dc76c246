"""How the steps of a training are executed: as they are written, by torch.compile, or as CUDA graphs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from seesaw_nas.errors import OptionError, TrainingFailed
from seesaw_nas.fast import Formulation, formulation_for
from seesaw_nas.graphs import Record, cuda_graph

COMPILER = "inductor"  # torch.compile's own
COMPILERS = {  # what it says where what it compiles with is missing, and the remedy
    "No working C++ compiler": "install a C++ compiler (apt install g++)",
    "working triton installation": "install Triton (pip install triton)",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """What a step is executed by; :meth:`chosen` makes it. A training may go on under another one.

    The mathematics and the checkpoints are the same. Figures differ by rounding, and where ``compiler`` is inductor by
    the draws of dropout, too.

    Attributes:
        compiler: torch.compile's backend; empty for none.
        record: records a step, to be replayed from then on; ``None`` for no such thing.
    """

    compiler: str = ""
    record: Record | None = None

    @classmethod
    def chosen(cls, compiled: bool, cuda_graphs: bool) -> Execution:
        """By the two options of the command line."""
        return cls(COMPILER if compiled else "", cuda_graph if cuda_graphs else None)

    def check(self, device: torch.device, processes: int = 1) -> None:
        """Refuse what cannot be done.

        Raises:
            OptionError: CUDA graphs without CUDA, in several processes, or of compiled steps.
        """
        if self.record is cuda_graph and device.type != "cuda":
            raise OptionError(f"--cuda-graphs wants a CUDA device, got {device}; leave it out")
        if self.record and processes > 1:
            raise OptionError(f"--cuda-graphs wants one process, got {processes}; start without torchrun")
        if self.record and self.compiler:
            raise OptionError("--compile and --cuda-graphs exclude each other; leave one out")

    def formulation(self, device: torch.device) -> Formulation:
        """How a network is computed: a compiler wants torch's own operators alone."""
        found = formulation_for(device)
        return replace(found, folds=False, compiles=True) if self.compiler else found

    @property
    def conditions(self) -> dict[str, str]:
        """What a record says of it."""
        if self.compiler:
            return {"steps": f"torch.compile, {self.compiler}"}
        return {"steps": "CUDA graphs"} if self.record else {}


PLAIN = Execution()


@contextmanager
def compiler_failures_told() -> Iterator[None]:
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
        raise TrainingFailed(f"torch.compile failed: {reason}; {remedy}train without --compile") from None
