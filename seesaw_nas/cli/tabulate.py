"""The verb ``tabulate``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.command import typed_with
from seesaw_nas.cli.parts.declared import Change, take_settings
from seesaw_nas.cli.parts.failures import remember
from seesaw_nas.cli.parts.images import images_as_json
from seesaw_nas.cli.parts.parameters import DryRun, Json, verb
from seesaw_nas.cli.parts.tabulating import TabulateView
from seesaw_nas.search.settings import SearchSettings

if TYPE_CHECKING:
    from seesaw_nas.workflows.plan import Plan
    from seesaw_nas.workflows.problem import Problem


@verb
@take_settings(
    SearchSettings,
    "training",
    "searched",
    "trials",
    "validation_size",
    space=Change(argument=True),
    trials=Change(name="n", default=300),
    seed=Change(help="Seed for the draws; those of the trainings count up from it."),
)
def tabulate(
    settings: SearchSettings,
    *,
    out: Annotated[Path, typer.Option(help="The Parquet file to make.")],
    seeds: Annotated[int, typer.Option(help="Trainings of each architecture.", min=1, max=1000)] = 3,
    like: Annotated[
        Path | None,
        typer.Option(
            help="An earlier table, whose first architectures are trained in place of draws, such as with other epochs."
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Record trainings in a table, to compare strategies on.

    The architectures are drawn evenly in Multi-Adds. Called again after an interruption, it goes on where it was.
    """
    with terminal.loading():
        from seesaw_nas.cli.parts import searching
        from seesaw_nas.workflows import tabulate as workflow

    searching.settle_threads(settings.training.device, settings.training.threads, workflow.read_beginning(out))
    if dry_run:
        searching.show_plan(
            lambda view: searching.preview_table(settings, out, seeds=seeds, like=like, listener=view),
            json,
            searching.TABLE,
        )
        return
    remember(typed_with({}))
    console = terminal.console(stderr=json)
    problems: list[Problem] = []
    with terminal.progress(console) as progress:

        def show(problem: Problem, plan: Plan) -> None:
            searching.print_plan(console, problem, plan, searching.TABLE)
            view.begin(plan)

        view = TabulateView(progress, settings.proposals.trials * seeds)
        table = workflow.tabulate(
            settings, out, seeds=seeds, like=like, listener=view, on_problem=problems.append, on_plan=show
        )
    trainings = sum(len(entry.curves) for entry in table.entries)
    found = {"table": str(out), "architectures": len(table.entries), "trainings": trainings, "epochs": table.epochs}
    if json:
        print(dumps(found | {"failed": table.about["failed"], "data": images_as_json(*problems)}, indent=2))
        return
    failed = f"; {table.about['failed']} failed" if table.about["failed"] else ""
    console.print(f"{len(table.entries)} architectures, {trainings} trainings of {table.epochs} epochs{failed}: {out}")
