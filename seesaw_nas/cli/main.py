"""The verbs and their options. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from seesaw_nas import __version__
from seesaw_nas.cli import audit_verbs, searching_verbs, supernet_verbs
from seesaw_nas.cli.failures import INTERRUPTED, KEPT, MISTAKE, complain, of_system
from seesaw_nas.cli.options import SPEC_HELP, CacheDir, DataDir, Dataset, Device, Json, Spec, app
from seesaw_nas.cli.training import Executed
from seesaw_nas.core import optional
from seesaw_nas.core.errors import Interrupted, SeesawError
from seesaw_nas.deploy.export import TARGETS
from seesaw_nas.deploy.latency import BACKENDS, PRECISIONS, LatencySettings
from seesaw_nas.deploy.score import SPLITS
from seesaw_nas.training import memory
from seesaw_nas.training.recipes import RECIPES
from seesaw_nas.workflows.train import CHECKPOINT_MINUTES, TrainSettings

__all__ = ["app", "audit_verbs", "main", "searching_verbs", "supernet_verbs"]  # for their verbs, first in the help

_UsageError: Any = typer.BadParameter.__base__  # click's, which some releases of typer carry inside themselves


def main() -> None:
    """Run the command line; mistakes of the user end in one line and exit code 2, signals in 128 and more."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False, prog_name=app.info.name)
        if code == INTERRUPTED:  # how newer releases of typer answer Ctrl-C; older ones raise Abort
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except Interrupted as error:
        return complain(str(error), error.code)
    except SeesawError as error:
        return complain(str(error), MISTAKE)
    except _UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        if sys.stderr.isatty():
            print(file=sys.stderr)  # below the ^C that the terminal shows
        return complain(f"interrupted; {KEPT}", INTERRUPTED)
    except (ImportError, MemoryError, RuntimeError) as error:
        return _lacking(error)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stdout = None
        return 0
    except OSError as error:
        return complain(of_system(error), MISTAKE)


def _lacking(error: ImportError | MemoryError | RuntimeError) -> int:
    """Say which package is missing, or that memory ran out; any other such error is a defect of ours, and is raised."""
    if isinstance(error, ImportError):
        told = optional.explain_error(error)
    elif memory.is_exhaustion(error):
        told = f"out of memory: {memory.quote(error)}; take less at a time, or end what else runs there"
    else:
        told = ""
    if not told:
        raise error
    return complain(told, MISTAKE)


def _misused(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # no verb at all: the help is the answer
        error.show()
        return MISTAKE
    return complain(error.format_message(), MISTAKE)


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Nothing of its own: the verbs do the work."""
    if version:
        print(__version__)
        raise typer.Exit


TRAIN, LATENCY = TrainSettings(spec=""), LatencySettings()  # the defaults, from where they are set


@app.command()
def show(
    spec: Spec,
    budget: Annotated[str, typer.Option(help="Show shares of this budget, such as 110M, instead of the total.")] = "",
    verify: Annotated[bool, typer.Option("--verify", help="Build it, and count it with fvcore and thop too.")] = False,
    json: Json = False,
) -> None:
    """Print an architecture block by block, with its costs."""
    from seesaw_nas.cli import showing

    showing.show(spec, budget=budget, verify=verify, as_json=json)


@app.command()
def train(
    spec: Spec,
    dataset: Dataset = TRAIN.dataset,
    recipe: Annotated[str, typer.Option(help=f"How it is trained: {', '.join(RECIPES)}.")] = TRAIN.recipe,
    epochs: Annotated[int, typer.Option(help="Epochs; 0 for the recipe's own.")] = TRAIN.epochs,
    train_size: Annotated[int, typer.Option(help="Training images; 0 for all.")] = TRAIN.train_size,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = TRAIN.seed,
    device: Device = TRAIN.device,
    data_dir: DataDir = TRAIN.data_dir,
    cache_dir: CacheDir = TRAIN.cache_dir,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights and record. Default: runs/NAME-RECIPE-SEED.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in that folder.")] = False,
    checkpoint_minutes: Annotated[
        float, typer.Option(help="What a crash may cost; after each epoch there is a checkpoint anyway.")
    ] = CHECKPOINT_MINUTES,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write event files to the folder.")] = False,
    execution: Executed = TRAIN.execution,
    json: Json = False,
) -> None:
    """Train one architecture, then read the test accuracy, once."""
    from seesaw_nas.cli import training

    settings = TrainSettings(
        spec=spec,
        dataset=dataset,
        recipe=recipe,
        epochs=epochs,
        train_size=train_size,
        seed=seed,
        device=device,
        data_dir=data_dir,
        cache_dir=cache_dir,
        execution=execution,
    )
    training.train(
        settings,
        out=out,
        resume=resume,
        checkpoint_minutes=checkpoint_minutes,
        tensorboard=tensorboard,
        as_json=json,
    )


@app.command()
def evaluate(
    spec: Spec,
    weights: Annotated[
        Path | None, typer.Option(help="A safetensors file. Default: the training's own, where SPEC is its folder.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="As for train. Default: what the weights were trained on.")] = "",
    split: Annotated[str, typer.Option(help=f"Which images: {', '.join(SPLITS)}.")] = SPLITS[0],
    device: Device = "auto",
    data_dir: DataDir = "",
    cache_dir: CacheDir = "",
    json: Json = False,
) -> None:
    """Measure weights on the validation or the test split."""
    from seesaw_nas.cli import scoring

    scoring.evaluate(
        spec,
        weights=weights,
        dataset=dataset,
        split=split,
        device=device,
        data_dir=data_dir,
        cache_dir=cache_dir,
        as_json=json,
    )


@app.command()
def export(
    spec: Spec,
    to: Annotated[str, typer.Option(help=f"What to write: {', '.join(TARGETS)}.")],
    weights: Annotated[
        Path | None, typer.Option(help="A safetensors file. Default: the training's own, where SPEC is its folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File or folder to make. Default: the network's name, here.")] = None,
    dataset: Annotated[
        str, typer.Option(help="What it was trained on, as for train, where the weights do not say.")
    ] = "",
    data_dir: Annotated[str, typer.Option(help="The place of the CIFAR archive, for the check on real images.")] = "",
    json: Json = False,
) -> None:
    """Write a trained network for others to run."""
    from seesaw_nas.cli import exporting

    exporting.export(spec, to=to, weights=weights, out=out, dataset=dataset, data_dir=data_dir, as_json=json)


@app.command()
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
    from seesaw_nas.cli import exporting

    if not exporting.predict(model, images, top=top, device=device, as_json=json):
        raise typer.Exit(MISTAKE)


@app.command()
def spaces(
    budget: Annotated[str, typer.Option(help="Count what fits this budget. Default: each space's own.")] = "",
    json: Json = False,
) -> None:
    """List the search spaces, and count what fits a budget."""
    from seesaw_nas.cli import showing

    showing.spaces(budget=budget, as_json=json)


@app.command()
def latency(
    specs: Annotated[list[str], typer.Argument(metavar="SPEC", help=SPEC_HELP)],
    batch: Annotated[str, typer.Option(help="Images of a call, such as 1,8,64.")] = ",".join(map(str, LATENCY.batches)),
    threads: Annotated[str, typer.Option(help="CPU threads of a call, such as 1,2. Default: as torch has them.")] = "",
    backends: Annotated[
        str, typer.Option(help=f"What to call: {', '.join(BACKENDS)}; compiled takes a minute.")
    ] = ",".join(LATENCY.backends),
    device: Device = LATENCY.device,
    precision: Annotated[str, typer.Option(help=f"In which to compute: {', '.join(PRECISIONS)}.")] = LATENCY.precision,
    seconds: Annotated[float, typer.Option(help="Of timed calls for each figure.")] = LATENCY.seconds,
    weights: Annotated[
        Path | None, typer.Option(help="Trained weights, safetensors; random ones take as long. For one SPEC.")
    ] = None,
    json: Json = False,
) -> None:
    """Time networks on the device at hand."""
    from seesaw_nas.cli import measuring

    settings = LatencySettings(
        batches=measuring.counts("batch", batch),
        threads=measuring.counts("threads", threads) if threads else (),
        backends=tuple(backends.split(",")),
        device=device,
        precision=precision,
        seconds=seconds,
    )
    measuring.latency(specs, settings, weights=weights, as_json=json)


@app.command()
def reference(
    table: Annotated[int | None, typer.Option(help="One table of the paper, 3 to 7. Default: all.")] = None,
    dataset: Annotated[str, typer.Option(help="One data set: cifar10, cifar100 or imagenet. Default: all.")] = "",
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV on standard output.")] = False,
) -> None:
    """Compare the paper's printed figures with exact ones."""
    from seesaw_nas.cli import referring

    referring.reference(table=table, dataset=dataset, as_json=json, as_csv=csv)
