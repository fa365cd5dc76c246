"""The verbs and their options. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from seesaw_nas import __version__
from seesaw_nas.errors import SeesawError
from seesaw_nas.final import TrainSettings
from seesaw_nas.recipes import RECIPES
from seesaw_nas.search import STRATEGIES, SearchSettings
from seesaw_nas.units import parse_duration

app = typer.Typer(
    name="seesaw-nas",
    help="Search, under a budget of Multi-Adds, the CNNs whose 1x1 convolutions are split into uneven groups.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

MISTAKE, INTERRUPTED = 2, 130
_KEPT = "what was finished is kept: a search goes on by `seesaw-nas resume RUN`, a training by --resume"
_UsageError: Any = typer.BadParameter.__base__  # click's, which some releases of typer carry inside themselves


def main() -> None:
    """Run the command line; mistakes of the user end in one line and exit code 2, Ctrl-C in 130."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False, prog_name=app.info.name)
        if code == INTERRUPTED:  # how newer releases of typer answer Ctrl-C; older ones raise Abort
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except SeesawError as error:
        return _complain(str(error), MISTAKE)
    except _UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        if sys.stderr.isatty():
            print(file=sys.stderr)  # below the ^C that the terminal shows
        return _complain(f"interrupted; {_KEPT}", INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        sys.stdout = None
        return 0
    except OSError as error:
        return _complain(_system_failure(error), MISTAKE)


def _misused(error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # no verb at all: the help is the answer
        error.show()
        return MISTAKE
    return _complain(error.format_message(), MISTAKE)


def _complain(text: str, code: int) -> int:
    print(f"seesaw-nas: {' '.join(text.split())}", file=sys.stderr)
    return code


def _system_failure(error: OSError) -> str:
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"cannot write{where}: {error.strerror}; free some space; {_KEPT}"
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"no permission to write or read{where}; change it, or name another folder"
    return f"{error.strerror or error}{where}"


@app.callback(invoke_without_command=True)
def options(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    """Nothing of its own: the verbs do the work."""
    if version:
        print(__version__)
        raise typer.Exit


SEARCH, TRAIN = SearchSettings(), TrainSettings(spec="")  # the defaults, from where they are set

Dataset = Annotated[str, typer.Option(help="digits, cifar10, cifar100, or a folder of images by class.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else there.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ..., or auto for a GPU where there is one.")]
DataDir = Annotated[str, typer.Option(help="Folder with the unpacked CIFAR archive; without, it is downloaded once.")]
TimeLimit = Annotated[str, typer.Option(help="No further trial begins after this time, such as 90s, 30m or 2h.")]


@app.command()
def search(
    dataset: Dataset = SEARCH.dataset,
    budget: Annotated[
        str, typer.Option(help="Multi-Adds for one image: 110M, a band 100M:110M, or 60%. Default: the space's own.")
    ] = SEARCH.budget,
    space: Annotated[
        str, typer.Option(help="A space, or a space file. Default: the one for the data set.")
    ] = SEARCH.space,
    strategy: Annotated[str, typer.Option(help=f"Which architecture next: {', '.join(STRATEGIES)}.")] = SEARCH.strategy,
    trials: Annotated[int, typer.Option(help="Architectures to train.")] = SEARCH.trials,
    epochs: Annotated[int, typer.Option(help="Epochs of a trial; 0 for the recipe's own.")] = SEARCH.epochs,
    train_size: Annotated[int, typer.Option(help="Training images of a trial; 0 for all.")] = SEARCH.train_size,
    recipe: Annotated[str, typer.Option(help=f"How a trial is trained: {', '.join(RECIPES)}.")] = SEARCH.recipe,
    time_limit: TimeLimit = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    image_size: Annotated[
        int, typer.Option(help="Side in pixels, for a folder of images; 0 for 224.")
    ] = SEARCH.image_size,
    name: Annotated[str, typer.Option(help="Name of the run. Default: made of data set, budget and time.")] = "",
    runs_dir: Annotated[Path, typer.Option(help="Where the run's folder is made.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of this name if it exists.")] = False,
    json: Json = False,
) -> None:
    """Search for the best architectures within a budget of Multi-Adds."""
    from seesaw_nas.cli import searching

    settings = SearchSettings(
        dataset=dataset,
        budget=budget,
        space=space,
        strategy=strategy,
        trials=trials,
        recipe=recipe,
        epochs=epochs,
        train_size=train_size,
        seed=seed,
        device=device,
        data_dir=data_dir,
        image_size=image_size,
    )
    limit = parse_duration(time_limit) if time_limit else None
    searching.search(settings, name=name, runs_dir=runs_dir, time_limit=limit, resume=resume, as_json=json)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="The run's folder, such as runs/NAME.")],
    trials: Annotated[
        int | None, typer.Option(help="Another total of architectures to train. Default: the run's own.")
    ] = None,
    time_limit: TimeLimit = "",
    device: Annotated[str, typer.Option(help="Another device. Default: the run's own.")] = "",
    data_dir: Annotated[str, typer.Option(help="Another place of the CIFAR archive. Default: the run's own.")] = "",
    json: Json = False,
) -> None:
    """Go on with a search that was stopped or killed."""
    from seesaw_nas.cli import searching

    limit = parse_duration(time_limit) if time_limit else None
    searching.resume(run, trials=trials, time_limit=limit, device=device, data_dir=data_dir, as_json=json)


Spec = Annotated[
    str, typer.Argument(help="A spec file, the folder of a search (its best) or a training, or MODEL@SETTING.")
]


@app.command()
def show(
    spec: Spec,
    budget: Annotated[str, typer.Option(help="Show shares of this budget, such as 110M, instead of the total.")] = "",
    verify: Annotated[bool, typer.Option("--verify", help="Build it, and count it with fvcore and thop too.")] = False,
    json: Json = False,
) -> None:
    """Print an architecture block by block: shapes, Params, Multi-Adds."""
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
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights and record. Default: runs/NAME-RECIPE-SEED.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the training in that folder.")] = False,
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
    )
    training.train(settings, out=out, resume=resume, as_json=json)


@app.command()
def spaces(
    budget: Annotated[str, typer.Option(help="Count what fits this budget. Default: each space's own.")] = "",
    json: Json = False,
) -> None:
    """List the search spaces, and count what fits a budget."""
    from seesaw_nas.cli import showing

    showing.spaces(budget=budget, as_json=json)
