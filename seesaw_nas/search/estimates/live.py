"""The estimates of a search that runs: they follow its history, and look only at trials that may have changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.history.history import History

OPEN = ("running", "paused")  # states that may change; the others are for good


class Live:
    """Estimates that whoever decides in a search shares: what to propose, and what to train on."""

    def __init__(self, space: Space, budget: Budget, epochs: int) -> None:
        """Begin without trials.

        Args:
            epochs: of the whole recipe.
        """
        self._budget, self._estimates = budget, Estimates(space, epochs, budget.high)
        self._open: set[int] = set()
        self._seen = -1  # the highest number looked at

    def follow(self, history: History) -> Estimates:
        """The estimates by all that the history has told so far."""
        for record in self._changed(history):
            self._estimates.tell(record)
            if record.state in OPEN:
                self._open.add(record.number)
            else:
                self._open.discard(record.number)
            self._seen = max(self._seen, record.number)
        return self._estimates

    def recommended(self, history: History) -> Architecture | None:
        """The best within the budget by the estimates; ``None`` while these know no better than what was observed."""
        estimates = self.follow(history)
        return estimates.best(self._budget) if len(estimates) and estimates.knows else None

    def worth(self, history: History, numbers: Sequence[int]) -> list[float] | None:
        """Expected top-1 of the architectures of these trials; ``None`` as for :meth:`recommended`."""
        estimates = self.follow(history)
        if not (len(estimates) and estimates.knows):
            return None
        return [float(mean) for mean in estimates.of([history[number].spec for number in numbers]).mean]

    def _changed(self, history: History) -> list[TrialRecord]:
        """The trials that are new, and those that had not come to their end, by number."""
        if history.shared:  # others' trials come in any order
            return history.records()
        new = range(self._seen + 1, len(history))
        return [history[number] for number in (*sorted(self._open), *new)]
