"""The verbs that search, and their options. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.options import CacheDir, DataDir, Dataset, Device, Json, app
from seesaw_nas.evaluate import EVALUATORS
from seesaw_nas.recipes import RECIPES
from seesaw_nas.search import STRATEGIES, SearchSettings
from seesaw_nas.units import parse_duration

SEARCH = SearchSettings()  # the defaults, from where they are set

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
    evaluator: Annotated[str, typer.Option(help=f"How good it is: {', '.join(EVALUATORS)}.")] = SEARCH.evaluator,
    table: Annotated[str, typer.Option(help="A file by tabulate, for --evaluator table.")] = SEARCH.table,
    trials: Annotated[int, typer.Option(help="Architectures to train.")] = SEARCH.trials,
    epochs: Annotated[int, typer.Option(help="Epochs of a trial; 0 for the recipe's own.")] = SEARCH.epochs,
    train_size: Annotated[int, typer.Option(help="Training images of a trial; 0 for all.")] = SEARCH.train_size,
    recipe: Annotated[str, typer.Option(help=f"How a trial is trained: {', '.join(RECIPES)}.")] = SEARCH.recipe,
    time_limit: TimeLimit = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    image_size: Annotated[
        int, typer.Option(help="Side in pixels, for a folder of images or imagenet; 0 for 224.")
    ] = SEARCH.image_size,
    cache_dir: CacheDir = SEARCH.cache_dir,
    latency: Annotated[bool, typer.Option("--latency", help="Time the front's members at the end.")] = SEARCH.latency,
    name: Annotated[str, typer.Option(help="Name of the run. Default: made of data set, budget and time.")] = "",
    runs_dir: Annotated[Path, typer.Option(help="Where the run's folder is made.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of this name if it exists.")] = False,
    json: Json = False,
) -> None:
    """Search for the best architectures within a budget."""
    from seesaw_nas.cli import searching

    settings = SearchSettings(
        dataset=dataset,
        budget=budget,
        space=space,
        strategy=strategy,
        evaluator=evaluator,
        table=table,
        trials=trials,
        recipe=recipe,
        epochs=epochs,
        train_size=train_size,
        seed=seed,
        device=device,
        data_dir=data_dir,
        image_size=image_size,
        cache_dir=cache_dir,
        latency=latency,
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
    latency: Annotated[
        bool | None, typer.Option(help="Time the front's members at the end, or not. Default: the run's own.")
    ] = None,
    json: Json = False,
) -> None:
    """Go on with a search that was stopped or killed."""
    from seesaw_nas.cli import searching

    limit = parse_duration(time_limit) if time_limit else None
    searching.resume(
        run, trials=trials, time_limit=limit, device=device, data_dir=data_dir, latency=latency, as_json=json
    )


@app.command()
def tabulate(
    space: Annotated[str, typer.Argument(help="A space, or a space file.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to make.")],
    n: Annotated[int, typer.Option(help="Architectures to train.")] = 300,
    seeds: Annotated[int, typer.Option(help="Trainings of each architecture.")] = 3,
    dataset: Dataset = SEARCH.dataset,
    budget: Annotated[
        str, typer.Option(help="Which of them, as for search; drawn evenly in Multi-Adds. Default: the space's own.")
    ] = SEARCH.budget,
    epochs: Annotated[int, typer.Option(help="Epochs of a training; 0 for the recipe's own.")] = SEARCH.epochs,
    train_size: Annotated[int, typer.Option(help="Training images; 0 for all.")] = SEARCH.train_size,
    recipe: Annotated[str, typer.Option(help=f"How each is trained: {', '.join(RECIPES)}.")] = SEARCH.recipe,
    seed: Annotated[int, typer.Option(help="Of the draws; the trainings count up from it.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    image_size: Annotated[int, typer.Option(help="As for search.")] = SEARCH.image_size,
    cache_dir: CacheDir = SEARCH.cache_dir,
    json: Json = False,
) -> None:
    """Record trainings in a table, to compare strategies on.

    Called again after an interruption, it goes on where it was.
    """
    from seesaw_nas.cli import tabulating

    settings = SearchSettings(
        dataset=dataset,
        budget=budget,
        space=space,
        trials=n,
        recipe=recipe,
        epochs=epochs,
        train_size=train_size,
        seed=seed,
        device=device,
        data_dir=data_dir,
        image_size=image_size,
        cache_dir=cache_dir,
    )
    tabulating.tabulate(settings, out, seeds=seeds, as_json=json)
