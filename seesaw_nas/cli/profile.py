"""The verb ``profile``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import take_settings
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.core.errors import OptionError
from seesaw_nas.deploy.profiling.request import ProfileSettings

if TYPE_CHECKING:
    from seesaw_nas.deploy.profiling.fit import Closeness
    from seesaw_nas.workflows.profiling import Profiled


@verb
@take_settings(ProfileSettings)
def profile(
    settings: ProfileSettings,
    *,
    space: Annotated[str, typer.Argument(help="Name of a space, or a space file.")],
    out: Annotated[Path | None, typer.Option(help="File to write. Default: SPACE-profile.json here.")] = None,
    export_networks: Annotated[
        Path | None, typer.Option(help="Folder to write the networks to, for another device to time; nothing is timed.")
    ] = None,
    times: Annotated[
        Path | None, typer.Option(help="Times of these networks from another device, to fit the profile to.")
    ] = None,
    accept_spread: Annotated[
        bool, typer.Option("--accept-spread", help="Write a profile that was measured under load, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Measure the time of every block, for a budget of latency."""
    from seesaw_nas.workflows import profiling

    if export_networks and times:
        raise OptionError(
            "--export-networks comes before another device times them, --times after it; give one of them"
        )
    if export_networks and (out or accept_spread):
        raise OptionError("--out and --accept-spread are for a profile; leave them out with --export-networks")
    notes = terminal.console(stderr=True)
    with terminal.progress(notes) as progress:
        task = progress.add_task("", total=None)

        def step(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        if export_networks:
            folder = profiling.write_networks(space, export_networks, settings, on_step=step)
        else:
            done = profiling.profile(
                space,
                settings,
                times=times or "",
                out=out or "",
                accept_spread=accept_spread,
                on_plan=lambda plan: notes.print(str(plan)),
                on_step=step,
            )
    if export_networks:
        print(dumps({"folder": str(folder)}) if json else _next_steps(space, folder))
    elif json:
        print(dumps({"file": str(done.path), "macs": _as_json(done.fitted.macs_closeness)} | done.profile.as_dict()))
    else:
        _print(done)


def _print(done: Profiled) -> None:
    out, table = terminal.console(), terminal.plain_table()
    for heading in ("predictor", "median error", "rank correlation"):
        table.add_column(heading, justify="left" if heading == "predictor" else "right", no_wrap=True)
    for name, closeness in (("this profile", done.fitted.closeness), ("Multi-Adds", done.fitted.macs_closeness)):
        table.add_row(name, f"{closeness.error:.1%}", f"{closeness.rank_correlation:.3f}")
    out.print(table)
    conditions = done.profile.conditions
    out.print(
        f"\nOn {conditions.networks} networks, a fifth at a time left out of the fit; rank correlation is Kendall's "
        f"tau-b. Calls of one network\ndiffer by {conditions.spread:.1%} between the quartiles."
    )
    if done.is_disturbed:
        out.print(
            f"The process had {done.core_share:.0%} of a core: something else used the machine. Measure again when it "
            "is at rest."
        )
    out.print(f"{conditions}\nwritten {done.path}")


def _as_json(closeness: Closeness) -> dict[str, float]:
    return {"error": closeness.error, "rank_correlation": closeness.rank_correlation}


def _next_steps(space: str, folder: Path) -> str:
    return (
        f"written {folder}/; copy it to the device and run its time_networks.py there with Python, onnxruntime and "
        f"numpy;\nthen `seesaw-nas profile {space} --times times.json` fits a profile to what it wrote"
    )
