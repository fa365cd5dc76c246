"""The verb ``dashboard``."""

from __future__ import annotations

from typing import Annotated

import typer

from seesaw_nas.cli.parts.parameters import Run, Storage, verb


@verb
def dashboard(
    run: Run,
    port: Annotated[int, typer.Option(help="Port of the page, on 127.0.0.1 only.", min=1, max=65535)] = 8080,
    storage: Storage = "",
) -> None:
    """Serve optuna-dashboard for a search on 127.0.0.1.

    The page shows the trials that the search has when this starts.
    """
    from seesaw_nas.workflows import dashboard as workflow

    workflow.dashboard(run, port=port, storage=storage)
