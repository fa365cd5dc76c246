"""How a function becomes a verb of the command line, and options that several verbs share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from seesaw_nas.cli.parts.failures import kept
from seesaw_nas.cli.parts.verbs import LoadedVerb, app
from seesaw_nas.core import signals
from seesaw_nas.core.errors import Interrupted, OptionError

Verb = TypeVar("Verb", bound=Callable[..., None])


def verb(function: Verb) -> Verb:
    """Make a function a verb of the command line, under the function's own name."""

    @functools.wraps(function)
    def run(*given: Any, **options: Any) -> None:
        try:
            function(*given, **options)
        except signals.Stopped as stopped:  # of which typer would not say which signal it was
            raise Interrupted(f"interrupted; {kept()}", stopped.number) from None

    app.command(cls=LoadedVerb)(run)
    return function


def counts(option: str, text: str) -> tuple[int, ...]:
    """The numbers in ``1,8,64``.

    Raises:
        OptionError: it is not such a list.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"cannot read --{option} '{text}'; write whole numbers with commas, like 1,8,64") from None


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else there.")]
Run = Annotated[Path, typer.Argument(help="The run's folder, such as runs/NAME.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan, its counts and its time; train nothing, write nothing.")
]
Storage = Annotated[
    str,
    typer.Option(help="URL of the database that has the trials, where no file of the run has them."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the training in that folder.")]
TimeLimit = Annotated[str, typer.Option(help="Time after which no further trial begins, such as 90s, 30m or 2h.")]
