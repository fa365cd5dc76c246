"""What ``tabulate`` shows while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.units import format_count
from seesaw_nas.search.listener import Listener

if TYPE_CHECKING:
    from rich.progress import Progress


class TabulateView(Listener):
    """One bar over all trainings."""

    def __init__(self, progress: Progress, trainings: int) -> None:
        self._progress = progress
        self._task = progress.add_task("trainings", total=trainings)

    def doing(self, what: str) -> None:
        """Show it in place of the trainings, of which there is none yet."""
        self._progress.update(self._task, description=what)

    def begin(self, trainings: int) -> None:
        """Show how many trainings there are, once that is known."""
        self._progress.update(self._task, total=trainings, description="trainings")

    def remark(self, text: str) -> None:
        """Print it."""
        self._progress.console.print(f"note      {text}", highlight=False, soft_wrap=True)

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Show the number of those before it."""
        self._progress.update(self._task, completed=number, description=f"training {number}, {format_count(macs)}")
