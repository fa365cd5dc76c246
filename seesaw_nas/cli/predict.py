"""The verb ``predict``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import Device
from seesaw_nas.cli.parts.failures import MISTAKE
from seesaw_nas.cli.parts.parameters import Json, verb

if TYPE_CHECKING:
    from seesaw_nas.deploy.predict import Prediction


@verb
def predict(
    model: Annotated[Path, typer.Argument(help="An exported folder or .onnx file, or the folder of a training.")],
    images: Annotated[list[str], typer.Argument(help="Image files; a folder stands for all images in it.")],
    top: Annotated[int, typer.Option(help="Classes to print of each image, at most.")] = 5,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Classify image files.

    Where one cannot be read, the others are printed all the same, and the exit code is 2.
    """
    from seesaw_nas.workflows import deployment

    predictions = deployment.predict(model, images, top=top, device=device)
    console = terminal.console(stderr=json)
    found, unreadable = [], 0
    with terminal.progress(console) as progress:
        for entry in progress.track(predictions, total=len(predictions)):
            if entry.problem:
                unreadable += 1
                print(f"seesaw-nas: {entry.line}", file=sys.stderr)
            elif not json:
                progress.console.print(entry.line)
            if json:
                found.append(_record(entry))
    if predictions.passed_over.count:
        print(f"seesaw-nas: {predictions.passed_over.sentence}", file=sys.stderr)
    if json:
        about = {"model": str(model), "runs_on": predictions.runs_on, "passed_over": asdict(predictions.passed_over)}
        print(dumps({**about, "images": found}, indent=2))
    if unreadable:
        raise typer.Exit(MISTAKE)


def _record(entry: Prediction) -> dict[str, Any]:
    if entry.problem:
        return {"file": str(entry.file), "problem": entry.problem}
    classes = [{"class": name, "probability": share} for name, share in entry.classes]
    return {"file": str(entry.file), "classes": classes}
