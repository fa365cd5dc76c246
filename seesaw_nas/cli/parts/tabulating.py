"""What ``tabulate`` shows while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.units import format_count
from seesaw_nas.search.listener import Listener
from seesaw_nas.workflows.forecast import Forecast

if TYPE_CHECKING:
    from rich.progress import Progress

    from seesaw_nas.workflows.plan import Plan


class TabulateView(Listener):
    """One bar over all trainings."""

    def __init__(self, progress: Progress, trainings: int) -> None:
        self._progress = progress
        self._task = progress.add_task("trainings", total=trainings)
        self._begun, self._macs = 0, 0
        self._forecast: Forecast | None = None

    def doing(self, what: str) -> None:
        """Show it in place of the trainings, of which there is none yet."""
        self._progress.update(self._task, description=what, refresh=True)

    def begin(self, plan: Plan) -> None:
        """Show how many trainings are left, and how long they take, once that is known."""
        self._forecast = Forecast(plan)
        self._progress.update(self._task, total=plan.trials, description="trainings", ends=self._forecast.ends)

    def remark(self, text: str) -> None:
        """Print it."""
        self._progress.console.print(f"note      {text}", highlight=False, soft_wrap=True)

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Show the number of those before it."""
        if self._forecast is not None and self._begun:
            self._forecast.trained(self._macs)
            self._progress.update(self._task, ends=self._forecast.ends)
        self._macs = macs
        text = f"training {number}, {format_count(macs)}"
        self._progress.update(self._task, completed=self._begun, description=text)
        self._begun += 1
