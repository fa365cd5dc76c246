"""The evaluator that answers from a table of recorded trainings."""

from __future__ import annotations

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score
from seesaw_nas.evaluators.table import Recorded, Table
from seesaw_nas.space import Space, encode, genes


class TableEvaluator(Evaluator):
    """Answers from a table: from an architecture's own training, or from that of the nearest one recorded.

    The nearest differs in the fewest genes; of several such, its Multi-Adds are closest. A trial's seed chooses among
    the seeds recorded. ``seconds`` is what the training took when it was recorded.
    """

    def __init__(self, table: Table, space: Space, short: Table | None = None) -> None:
        """Index a table.

        Args:
            short: of the same trainings by a shorter schedule, which then answers for that.

        Raises:
            RunError: none of the table's architectures is in the space.
        """
        self.table = table
        self._short = None if short is None else TableEvaluator(short, space)
        self._space = space
        self._entries = tuple(entry for entry in table.entries if entry.architecture in space)
        if not self._entries:
            raise RunError(f"no architecture of the table is in space '{space.name}'; it was recorded in {table.space}")
        self._codes = {name: {text: i for i, text in enumerate(texts)} for name, texts in genes(space).items()}
        self._rows = np.array([self._row(entry.architecture) for entry in self._entries])
        self._macs = np.array([entry.macs for entry in self._entries])

    @property
    def epochs(self) -> int:
        return self.table.epochs

    def score(self, architecture: Architecture, request: Request) -> Score:
        """A recorded curve, up to where the request pauses; the note says when it is another architecture's.

        Raises:
            SpecError: the architecture is not in the space.
        """
        entry, differing = self.nearest(architecture)
        seeds = sorted(entry.curves)
        curve = entry.curves[seeds[request.seed % len(seeds)]][: request.until]
        if request.on_epoch:
            for epoch in curve:
                request.on_epoch(epoch)
        note = f"of the nearest recorded architecture, {entry.architecture.digest}: {differing} genes differ"
        top1 = curve[-1].top1
        if top1 is None:
            raise RunError(f"the table has no top-1 after epoch {len(curve)}; search with --scheduler none")
        return Score(top1, "validation", sum(epoch.seconds for epoch in curve), curve, note if differing else "")

    def with_epochs(self, epochs: int) -> TableEvaluator | None:
        """What answers for a schedule of so many epochs; ``None`` where none was recorded."""
        return self._short if self._short is not None and self._short.epochs == epochs else None

    def nearest(self, architecture: Architecture) -> tuple[Recorded, int]:
        """The recorded architecture with the fewest other genes, and how many these are.

        Raises:
            SpecError: the architecture is not in the space.
        """
        differing = (self._rows != self._row(architecture)).sum(axis=1)
        away = np.abs(self._macs - cost.macs(architecture))
        best = int(np.lexsort((away, differing))[0])
        return self._entries[best], int(differing[best])

    def estimate(self, architecture: Architecture) -> float:
        """Nothing is trained."""
        return 0.0

    def _row(self, architecture: Architecture) -> list[int]:
        return [self._codes[name][value] for name, value in encode(self._space, architecture).items()]


def make(setting: EvaluatorSetting) -> TableEvaluator:
    """Answers for the space of the setting.

    Raises:
        RunError: none of the table's architectures is in it.
    """
    assert setting.table is not None, "the table is read before, since it decides the space"
    return TableEvaluator(setting.table, setting.space)
