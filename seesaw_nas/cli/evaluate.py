"""The verb ``evaluate``."""

from __future__ import annotations

from json import dumps
from typing import Annotated

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import CacheDir, DataDir, Device
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.cli.parts.specs import Spec, Weights
from seesaw_nas.deploy.names import SPLITS

_TEST = "this is the test split: a figure to report, not to choose by; choose on the validation split"


@verb
def evaluate(
    spec: Spec,
    weights: Weights = None,
    dataset: Annotated[
        str, typer.Option(help="Data set, as for train. Default: what the weights were trained on.")
    ] = "",
    split: Annotated[str, typer.Option(help=f"Split to measure on: {', '.join(SPLITS)}.")] = SPLITS[0],
    device: Device = "auto",
    data_dir: DataDir = "",
    cache_dir: CacheDir = "",
    json: Json = False,
) -> None:
    """Measure weights on the validation or the test split.

    An export is measured by its own files, in its runtime.
    """
    from seesaw_nas.workflows import deployment

    found = deployment.evaluate(
        spec, weights, dataset=dataset, split=split, device=device, data_dir=data_dir, cache_dir=cache_dir
    )
    console, accuracy, named = terminal.console(stderr=json), found.accuracy, found.named
    if not json:
        macs, params = cost.macs(named.architecture), cost.params(named.architecture)
        console.print(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
        console.print(f"weights   {found.weights}")
        if found.weights.is_dir():
            console.print(f"runs on   {found.runs_on}")
        unread = f"; {found.passed_over.sentence}" if found.passed_over.count else ""
        console.print(f"data      {found.dataset}, {split} split, {accuracy.n:,} images, {found.normalised}{unread}")
    if split == "test":
        console.print(f"note      {_TEST}")
    if json:
        print(dumps(found.to_dict(), indent=2))
        return
    five = "" if accuracy.top5 is None else f"top-5 {accuracy.top5:.2%}, "
    console.print(f"{split} top-1 {accuracy.top1:.2%}, {five}loss {accuracy.loss:.4f} ({found.conditions['device']})")
