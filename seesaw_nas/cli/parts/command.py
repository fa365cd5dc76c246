"""The command that was typed, with other options: what a user may type next."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seesaw_nas.cli.parts.verbs import app
from seesaw_nas.core.units import format_duration

if TYPE_CHECKING:
    from rich.console import Console

    from seesaw_nas.training.shortening import Cheaper

SWITCHES = ("dry-run", "resume", "json")  # of all that this replaces, those that take no value


def typed_with(options: Mapping[str, str], argv: list[str] | None = None) -> str:
    """The command line with these options in place of its own, and not as a dry run.

    Args:
        options: values by name without dashes; an empty value is that of a switch.
        argv: arguments behind the program's name; those of this process without.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    replaced = {"dry-run", *options}
    kept, skip = [], False
    for argument in given:
        name = argument.removeprefix("--").partition("=")[0] if argument.startswith("--") else ""
        if skip:
            skip = False
        elif name in replaced:
            skip = "=" not in argument and name not in SWITCHES
        else:
            kept.append(argument)
    more = [part for name, value in options.items() for part in (f"--{name}", value) if part]
    return shlex.join([str(app.info.name), *kept, *more])


def print_cheaper(console: Console, found: Sequence[Cheaper], *, on_cpu: bool) -> None:
    """Commands that take less than a long plan, with the time of each."""
    if not found:
        return
    console.print("note      that is more than an hour; by arithmetic from the same step these take less:")
    for one in found:
        console.print(f"          {format_duration(one.seconds):>12}  {typed_with(one.options)}")
    if on_cpu:
        console.print(
            f"          on a GPU, where there is one: {typed_with({'device': 'cuda'})}; its plan says how long"
        )
