"""How a verb takes an architecture, several, or the weights of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.architecture.specfile import SPEC_HELP

Spec = Annotated[str, typer.Argument(help=SPEC_HELP)]
Specs = Annotated[list[str], typer.Argument(metavar="SPEC", help=SPEC_HELP)]
Weights = Annotated[
    Path | None,
    typer.Option(help="Weights, a safetensors file. Default: the training's own, where SPEC is its folder."),
]
