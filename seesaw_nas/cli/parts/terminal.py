"""How the command line writes: one style of console, table and progress bar for all verbs.

Verbs import this at their top, so rich is loaded where it is used: ``--help`` does without.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seesaw_nas.core.torchrun import leads

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TimeRemainingColumn
    from rich.table import Table

PERIOD = 600.0  # seconds over which a bar's speed is taken: a step may take a minute
PIPED_WIDTH = 200  # columns where there is no terminal: a reader in a pipe should not get cut tables


def console(stderr: bool = False) -> Console:
    """A console that leaves text alone: no colouring, no line breaks, and a path with [brackets] keeps them."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = PIPED_WIDTH
    return made


@contextmanager
def loading() -> Iterator[None]:
    """Context in which a terminal says that libraries are loaded, which takes seconds; nothing of it stays there."""
    if not sys.stderr.isatty() or not leads():
        yield
        return
    print("loading torch", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # to the beginning of the line, and empty it


def printable(text: str) -> str:
    """The text of a name, with escapes for what a terminal would obey or could not show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain_table(title: str | None = None) -> Table:
    """A table without lines, under a title at the left."""
    from rich.table import Table

    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, collapse_padding=True)


def remaining(clock: Callable[[], float] = time.monotonic) -> TimeRemainingColumn:
    """A column that counts down to the time that a bar's field ``ends`` foresees; without one, by the bar's speed."""
    from rich.progress import Task, TimeRemainingColumn
    from rich.text import Text

    class Remaining(TimeRemainingColumn):
        def render(self, task: Task) -> Text:
            ends = task.fields.get("ends")
            if ends is None:
                return super().render(task)
            minutes, seconds = divmod(max(0, round(ends - clock())), 60)
            return Text(f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}", style="progress.remaining")

    return Remaining()


def progress(on: Console) -> Progress:
    """Bars that vanish when they are done, on a terminal only: what, how far, how many, how long so far and still."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    times = (TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), remaining())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
    return Progress(*columns, console=on, transient=True, disable=not on.is_terminal, speed_estimate_period=PERIOD)
