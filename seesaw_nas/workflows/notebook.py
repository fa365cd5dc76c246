"""The progress of a search where a program runs it: one cell's output in a notebook, lines elsewhere."""

from __future__ import annotations

import importlib
import sys
import time
from html import escape
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.units import format_count, format_duration, format_top1
from seesaw_nas.search.callbacks import FINISHED
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.training.epoch import Epoch

BETWEEN = 0.25  # seconds between two changes of a cell's output
BAR = (
    "<div style='width:24em;height:0.8em;background:rgba(127,127,127,.25)'>"
    "<div style='width:{share:.1f}%;height:100%;background:#2a78d6'></div></div>"
)


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class SearchProgress(Listener):
    """Shows how far a search is: the bar of its trials, the running one, the best so far, and how long still.

    In a notebook it is one output that changes, without widgets; elsewhere, a line for every trial on standard error.
    """

    def __init__(self, trials: int = 0) -> None:
        """Begin with nothing done.

        Args:
            trials: architectures that are to be trained; 0 if that is not known, so that no time left is given.
        """
        self._trials, self._done = trials, 0
        self._best: TrialRecord | None = None
        self._running = ""
        self._began, self._shown = time.monotonic(), 0.0
        self._display: Any = None

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Name the trial."""
        self._running = f"trial {number}, {format_count(macs)} Multi-Adds"
        self._show()

    def step(self, done: int, total: int) -> None:
        """Say how far the trial is."""
        if time.monotonic() - self._shown >= BETWEEN:
            head = self._running.partition(":")[0]
            self._running = f"{head}: {done / total:.0%}"
            self._show()

    def epoch(self, epoch: Epoch) -> None:
        """Say what the trial has reached."""
        if epoch.top1 is not None:
            head = self._running.partition(":")[0]
            self._running = f"{head}: epoch {epoch.epoch}, {format_top1(epoch.top1)}"
            self._show()

    def ended(self, record: TrialRecord) -> None:
        """Count the trial, and keep the best."""
        if record.state not in FINISHED:
            return
        self._done += 1
        if record.top1 is not None and (self._best is None or record.top1 > (self._best.top1 or 0.0)):
            self._best = record
        self._running = ""
        if in_notebook():
            self._show()
            return
        reached = record.reason if record.top1 is None else format_top1(record.top1)
        print(f"trial {record.number}: {reached}; {'; '.join(self._lines())}", file=sys.stderr)

    def confirming(self, done: int, total: int, trial: CompleteTrial) -> None:
        """Say which of the best is trained again."""
        self._running = f"training the best again: {done} of {total}, trial {trial.number}"
        self._show()

    def timing(self, what: str, done: int, total: int) -> None:
        """Say what is timed."""
        self._running = f"timing the front: {what}"
        self._show()

    def _lines(self) -> list[str]:
        whole = f" of {self._trials:,}" if self._trials else ""
        lines = [f"{self._done:,}{whole} trials"]
        if self._best is not None and self._best.top1 is not None:
            lines.append(f"best {format_top1(self._best.top1)} by trial {self._best.number}")
        if self._done and self._trials > self._done:
            each = (time.monotonic() - self._began) / self._done
            lines.append(f"about {format_duration(each * (self._trials - self._done))} left")
        return lines + ([self._running] if self._running else [])

    def _show(self) -> None:
        """Change the cell's output; elsewhere there is nothing to change."""
        if not in_notebook():
            return
        self._shown = time.monotonic()
        share = 100 * min(1.0, self._done / self._trials) if self._trials else 0.0
        page = BAR.format(share=share) + "<br>".join(map(escape, self._lines()))
        display: Any = importlib.import_module("IPython.display")
        if self._display is None:
            self._display = display.display(display.HTML(page), display_id=True)
        else:
            self._display.update(display.HTML(page))
