"""The verb ``resume``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import take_changes
from seesaw_nas.cli.parts.parameters import DryRun, Json, Run, TimeLimit, verb
from seesaw_nas.core.units import parse_duration
from seesaw_nas.search.settings import SearchSettings


@verb
@take_changes(SearchSettings)
def resume(
    changes: dict[str, Any],
    *,
    run: Run,
    time_limit: TimeLimit = "",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Train architectures once more whose training failed.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Resume a search that was stopped or killed."""
    with terminal.loading():
        from seesaw_nas.cli.parts import searching

    limit = parse_duration(time_limit) if time_limit else None
    searching.settle_resumed(run, changes)
    if dry_run:
        searching.show_plan(
            lambda view: searching.preview_resumed(run, time_limit=limit, listener=view, **changes),
            json,
            searching.RESUMED,
        )
        return
    searching.watch(
        lambda how: searching.resume(run, time_limit=limit, retry_failed=retry_failed, **how, **changes),
        json,
        searching.RESUMED,
    )
