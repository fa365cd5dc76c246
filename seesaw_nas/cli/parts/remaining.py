"""The column of a progress bar that says how long the work still takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.progress import Task, TimeRemainingColumn
from rich.text import Text


class Remaining(TimeRemainingColumn):
    """Counts down to the time that the task's field ``ends`` foresees; without one, goes by the speed of the bar."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = clock

    def render(self, task: Task) -> Text:
        """Hours, minutes and seconds; 0:00:00 from the foreseen end on."""
        ends = task.fields.get("ends")
        if ends is None:
            return super().render(task)
        minutes, seconds = divmod(max(0, round(ends - self._now())), 60)
        return Text(f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}", style="progress.remaining")
