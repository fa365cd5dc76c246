"""When a search will be over: the plan's estimate, corrected by what its trials really take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seesaw_nas.search.records import TrialRecord
    from seesaw_nas.workflows.plan import Plan


class Forecast:
    """The time at which everything is over, by a clock; better after every trial.

    The estimate counts as much as one trial does: after ten, what they took decides.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] | None = None) -> None:
        """Begin now with nothing done."""
        self._plan, self._clock = plan, clock or time.monotonic
        self._began = self._clock()
        self._work = plan.trial_seconds * plan.epochs / plan.whole_epochs  # that is planned, over all lanes
        self._done = 0.0  # seconds that the plan gave to what is done, over all lanes
        self._reached: dict[int, int] = {}  # epochs by trial
        self._entered: dict[str, float] = {}  # when the parts after the trials began, by kind
        self._last = self._began
        self._ends = self._began + plan.seconds

    @property
    def ends(self) -> float:
        """The time, as it was last foreseen."""
        return self._ends

    def ended(self, record: TrialRecord) -> None:
        """Take in a trial, or the part of it before a pause."""
        if record.macs is None or record.state not in ("complete", "short", "paused", "stopped", "failed"):
            return
        epochs = len(record.curve) or (self._plan.whole_epochs if record.state == "complete" else 0)
        fresh = epochs - self._reached.get(record.number, 0)
        self._reached[record.number] = epochs
        self.trained(record.macs, fresh / self._plan.whole_epochs)

    def trained(self, macs: int, share: float = 1.0) -> None:
        """Take in a training of so many Multi-Adds, or a share of its epochs."""
        self._last = self._clock()
        self._done += share * self._plan.line.at(macs)
        self._ends = self._foresee()

    def _foresee(self) -> float:
        plan, lanes = self._plan, self._plan.lanes
        taken, each = self._last - self._began, plan.trial_seconds
        slower = (taken * lanes + each) / (self._done + each) if self._done + each > 0 else 1.0
        left = slower * max(0.0, self._work - self._done) / lanes
        if plan.time_limit is not None:
            left = min(left, max(0.0, self._began + plan.time_limit - self._last) + slower * each / 2)
        return self._last + left + slower * sum(part.seconds for part in plan.after)

    def follow(self, kind: str, done: int, total: int) -> None:
        """Take in that so much of a part after the trials is done; parts of another kind that come later follow it."""
        parts, now = self._plan.after, self._clock()
        places = [place for place, part in enumerate(parts) if part.kind == kind]
        if not places or not total:
            return
        if kind not in self._entered:
            self._entered[kind] = now
        part, later = parts[places[0]], sum(part.seconds for part in parts[places[0] + 1 :])
        taken, planned = now - self._entered[kind], part.seconds * done / total
        slower = (taken + part.seconds / total) / (planned + part.seconds / total) if part.seconds else 1.0
        self._ends = now + slower * part.seconds * (1 - done / total) + later
