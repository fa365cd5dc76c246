"""The verb ``export``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.cli.parts.specs import Spec, Weights
from seesaw_nas.deploy.names import INT8, QUANTIZED, TARGETS, explain_macs, find_weights

if TYPE_CHECKING:
    from seesaw_nas.deploy.export import Exported


@verb
def export(
    spec: Spec,
    to: Annotated[str, typer.Option(help=f"Form to write: {', '.join(TARGETS)}.")],
    weights: Weights = None,
    out: Annotated[Path | None, typer.Option(help="File or folder to make. Default: the network's name, here.")] = None,
    dataset: Annotated[
        str, typer.Option(help="Data set it was trained on, as for train, where the weights do not say.")
    ] = "",
    data_dir: Annotated[str, typer.Option(help="Folder with the CIFAR archive, for the check on real images.")] = "",
    batch: Annotated[
        int, typer.Option(min=1, help="Images of a call, for runtimes whose files take calls of one size only.")
    ] = 1,
    accept_difference: Annotated[
        bool, typer.Option("--accept-difference", help="Write a network that differs by more than the limit, too.")
    ] = False,
    quantize: Annotated[
        str,
        typer.Option(
            help=f"Precision to quantise to: {INT8}, for {', '.join(QUANTIZED)}. Default: float32 as trained."
        ),
    ] = "",
    calibration_images: Annotated[
        int | None, typer.Option(min=1, help="Training images to calibrate int8 with. Default: 512.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a trained network for others to run."""
    from seesaw_nas.workflows import deployment

    named = specfile.resolve(spec)
    weights = weights or find_weights(spec)
    done = deployment.export(
        named,
        to,
        weights=weights,
        out=out,
        dataset=dataset,
        data_dir=data_dir,
        batch=batch,
        accept_difference=accept_difference,
        quantize=quantize,
        calibration_images=calibration_images,
    )
    if json:
        print(dumps(_as_json(named, done), indent=2))
        return
    console = terminal.console()
    macs, params = cost.macs(named.architecture), cost.params(named.architecture)
    console.print(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
    if done.graph_macs is not None:
        console.print(f"graph     {explain_macs(done.graph_macs, macs)}")
    if weights:
        console.print(f"weights   {weights}")
    console.print(f"written   {done.path}{'/' if done.path.is_dir() else ''}, {done.size:,} bytes")
    if done.agreement:
        console.print(f"checked   {done.agreement.sentence}")
    for sentence in done.quantized.sentences if done.quantized else ():
        console.print(f"int8      {sentence}")


def _as_json(named: Named, done: Exported) -> dict[str, Any]:
    return {
        "target": done.target,
        "path": str(done.path),
        "bytes": done.size,
        "name": named.name,
        "digest": named.architecture.digest,
        "macs": cost.macs(named.architecture),
        "graph_macs": done.graph_macs,
        "agreement": done.agreement.to_dict() if done.agreement else None,
        "int8": done.quantized.to_dict() if done.quantized else None,
    }
