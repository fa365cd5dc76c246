"""Progress of downloads and of reading images, for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called with a description, the amount done and the total: bytes of a download, images of a folder."""


@contextmanager
def report_progress(progress: Progress | None) -> Iterator[Progress]:
    """Context that provides the given callable, or without one a bar on standard error, shown on terminals only."""
    if progress is not None:
        yield progress
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield report
