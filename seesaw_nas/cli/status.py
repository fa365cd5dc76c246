"""The verb ``status``."""

from __future__ import annotations

import time
from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, Run, Storage, verb
from seesaw_nas.core.units import format_duration
from seesaw_nas.evaluators.words import words

if TYPE_CHECKING:
    from seesaw_nas.workflows.status import Status

SECONDS = 2.0  # between two looks


@verb
def status(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds, until it has ended.")] = False,
    storage: Storage = "",
    json: Json = False,
) -> None:
    """Print how a search stands, while it runs or later."""
    from seesaw_nas.workflows.status import RunWatch

    watched = RunWatch(run, storage)
    found = watched.look()
    if json:
        print(dumps(_as_json(found), indent=2))
        return
    if not watch:
        print(_text(found))
        return
    from rich.live import Live  # which alone needs rich: a look takes less time without it
    from rich.text import Text

    with Live(Text(_text(found)), console=terminal.console(), auto_refresh=False) as live:
        while found.working:
            time.sleep(SECONDS)
            found = watched.look()
            live.update(Text(_text(found)), refresh=True)


def _text(found: Status) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items()) or "nothing proposed yet"
    stands = "no process works on it" if found.resume else "finished, no process works on it"
    work = "a process is at work" if found.working else stands
    lines = [
        f"run     {terminal.printable(found.name)}: {work}",
        f"trials  {found.begun} of {max(found.trials, found.begun)} begun: {counts}",
    ]
    if found.short_epochs:
        lines.append(f"        short: trained by a {found.short_epochs}-epoch schedule of their own")
    if found.best is not None:
        best, said = found.best, words(found.evaluator)
        lines.append(
            f"best    observed {said.score} {said.figure(best.top1)} at {best.macs:,} Multi-Adds, trial {best.number}"
        )
    if found.working and found.seconds_left is not None:
        lines.append(f"left    about {format_duration(found.seconds_left)}")
    if found.resume:
        lines.append(f"next    {found.resume} goes on with it")
    if found.workers:
        ended = ", ".join(f"{terminal.printable(name)} {count}" for name, count in sorted(found.workers.items()))
        lines.append(f"workers {found.running} busy; trials ended: {ended}")
    return "\n".join(lines)


def _as_json(found: Status) -> dict[str, Any]:
    best = found.best
    shown = (
        None
        if best is None
        else {"trial": best.number, "digest": best.digest, words(found.evaluator).key: best.top1, "macs": best.macs}
    )
    plain = {name: value for name, value in asdict(found).items() if name != "best"}
    return plain | {"begun": found.begun, "running": found.running, "best": shown}
