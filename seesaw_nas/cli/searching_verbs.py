"""The verbs that search, and their options. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.options import CacheDir, DataDir, Dataset, Device, Json, app
from seesaw_nas.core.units import parse_duration
from seesaw_nas.evaluators import EVALUATORS
from seesaw_nas.search import STRATEGIES, SearchSettings
from seesaw_nas.search.halving import SCHEDULERS
from seesaw_nas.search.settings import ENGINES, PLANS
from seesaw_nas.training.recipes import RECIPES, SAMPLINGS

Run = Annotated[Path, typer.Argument(help="The run's folder, such as runs/NAME.")]
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
    objectives: Annotated[
        str, typer.Option(help="front, of top-1 and Multi-Adds; or top1 alone, within the budget.")
    ] = SEARCH.objectives,
    scheduler: Annotated[
        str, typer.Option(help=f"Which trials are trained to their end: {', '.join(SCHEDULERS)}.")
    ] = SEARCH.scheduler,
    reduction: Annotated[int, typer.Option(help="Of the schedulers: one in so many is trained on.")] = SEARCH.reduction,
    min_epochs: Annotated[
        int, typer.Option(help="Of the schedulers: epochs of every trial; 0 for the last rung but one.")
    ] = SEARCH.min_epochs,
    seed_with: Annotated[
        list[str] | None,
        typer.Option(help="Train first: reference, a spec file, or an earlier run's folder. May be repeated."),
    ] = None,
    confirm: Annotated[
        int, typer.Option(help="Train so many of the best again in the end, by the whole recipe.")
    ] = SEARCH.confirm,
    seeds: Annotated[int, typer.Option(help="Of --confirm: trainings of each.")] = SEARCH.confirm_seeds,
    plan: Annotated[
        str, typer.Option(help=f"How trainings are spent: {', '.join(PLANS)}, of stages that begin with a supernet.")
    ] = SEARCH.plan,
    supernet_epochs: Annotated[
        int, typer.Option(help="Of --plan shared: epochs of its supernet; 0 for three times the recipe's own.")
    ] = SEARCH.supernet_epochs,
    sampling: Annotated[
        str, typer.Option(help=f"Of --plan shared: how its supernet is trained: {', '.join(SAMPLINGS)}.")
    ] = SEARCH.sampling,
    candidates: Annotated[
        int, typer.Option(help="Of --plan shared: architectures scored with the supernet's weights; 0: no supernet.")
    ] = SEARCH.candidates,
    tuned: Annotated[
        int, typer.Option(help="Of --plan shared: of these, how many are trained on from its weights; 0: none.")
    ] = SEARCH.tuned,
    evaluator: Annotated[str, typer.Option(help=f"How good it is: {', '.join(EVALUATORS)}.")] = SEARCH.evaluator,
    supernet: Annotated[
        str, typer.Option(help="A folder by the verb supernet, for --evaluator inherited, tuned, --strategy predicted.")
    ] = SEARCH.supernet,
    table: Annotated[str, typer.Option(help="A file by tabulate, for --evaluator table.")] = SEARCH.table,
    trials: Annotated[int, typer.Option(help="Architectures to train.")] = SEARCH.trials,
    epochs: Annotated[int, typer.Option(help="Epochs of a trial; 0 for the recipe's own.")] = SEARCH.epochs,
    train_size: Annotated[int, typer.Option(help="Training images of a trial; 0 for all.")] = SEARCH.train_size,
    validation_size: Annotated[
        int, typer.Option(help="Validation images that a trial is scored on; 0 for all.")
    ] = SEARCH.validation_size,
    curve: Annotated[
        bool, typer.Option("--curve/--no-curve", help="Validate after every epoch of a trial, or after its last alone.")
    ] = SEARCH.curve,
    recipe: Annotated[str, typer.Option(help=f"How a trial is trained: {', '.join(RECIPES)}.")] = SEARCH.recipe,
    time_limit: TimeLimit = "",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    image_size: Annotated[
        int, typer.Option(help="Side in pixels: of a folder's images or imagenet, 0 for 224; CIFAR also has 16, 8.")
    ] = SEARCH.image_size,
    cache_dir: CacheDir = SEARCH.cache_dir,
    latency: Annotated[bool, typer.Option("--latency", help="Time the front's members at the end.")] = SEARCH.latency,
    engine: Annotated[str, typer.Option(help=f"Where trials are trained: {', '.join(ENGINES)}.")] = SEARCH.engine,
    workers: Annotated[
        int, typer.Option(help="Trials at a time; 0 for as many as there is room for.")
    ] = SEARCH.workers,
    workers_per_gpu: Annotated[
        int, typer.Option(help="Of --engine local: workers that share a GPU.")
    ] = SEARCH.workers_per_gpu,
    ray_address: Annotated[
        str, typer.Option(help="Of --engine ray: the cluster, or auto. Default: this machine alone.")
    ] = SEARCH.ray_address,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="Of --engine ray: the share of a GPU that a trial reserves, 0 to 1. Default: 1 where the cluster has "
            "GPUs and --device is not cpu, else 0."
        ),
    ] = SEARCH.gpus_per_trial,
    storage: Annotated[
        str, typer.Option(help="URL of a database for the history, for several machines, such as postgresql://host/db.")
    ] = SEARCH.storage,
    join: Annotated[
        str, typer.Option(help="Work on the search of this name in --storage, under its own settings.")
    ] = "",
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
        objectives=objectives,
        scheduler=scheduler,
        reduction=reduction,
        min_epochs=min_epochs,
        seed_with=tuple(seed_with or ()),
        confirm=confirm,
        confirm_seeds=seeds,
        engine=engine,
        workers=workers,
        workers_per_gpu=workers_per_gpu,
        ray_address=ray_address,
        gpus_per_trial=gpus_per_trial,
        storage=storage,
        plan=plan,
        supernet_epochs=supernet_epochs,
        sampling=sampling,
        candidates=candidates,
        tuned=tuned,
        evaluator=evaluator,
        supernet=supernet,
        table=table,
        trials=trials,
        recipe=recipe,
        epochs=epochs,
        train_size=train_size,
        validation_size=validation_size,
        curve=curve,
        seed=seed,
        device=device,
        data_dir=data_dir,
        image_size=image_size,
        cache_dir=cache_dir,
        latency=latency,
    )
    limit = parse_duration(time_limit) if time_limit else None
    if join:
        searching.join(join, settings, runs_dir=runs_dir, time_limit=limit, as_json=json)
        return
    searching.search(settings, name=name, runs_dir=runs_dir, time_limit=limit, resume=resume, as_json=json)


@app.command()
def resume(
    run: Run,
    trials: Annotated[
        int | None, typer.Option(help="Another total of architectures to train. Default: the run's own.")
    ] = None,
    time_limit: TimeLimit = "",
    device: Annotated[str, typer.Option(help="Another device. Default: the run's own.")] = "",
    data_dir: Annotated[str, typer.Option(help="Another place of the CIFAR archive. Default: the run's own.")] = "",
    latency: Annotated[
        bool | None, typer.Option(help="Time the front's members at the end, or not. Default: the run's own.")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option(help="Train so many of the best again in the end. Default: the run's own.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Of --confirm: trainings of each. Default: the run's own.")] = None,
    engine: Annotated[str, typer.Option(help="Where trials are trained. Default: the run's own.")] = "",
    workers: Annotated[int | None, typer.Option(help="Trials at a time. Default: the run's own.")] = None,
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="Of --engine ray: the share of a GPU of a trial. Default: the run's own.")
    ] = None,
    json: Json = False,
) -> None:
    """Go on with a search that was stopped or killed."""
    from seesaw_nas.cli import searching

    limit = parse_duration(time_limit) if time_limit else None
    searching.resume(
        run,
        trials=trials,
        time_limit=limit,
        device=device,
        data_dir=data_dir,
        latency=latency,
        confirm=confirm,
        confirm_seeds=seeds,
        engine=engine,
        workers=workers,
        gpus_per_trial=gpus_per_trial,
        as_json=json,
    )


@app.command()
def status(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds, until it has ended.")] = False,
    json: Json = False,
) -> None:
    """Tell how a search stands, while it runs or later."""
    from seesaw_nas.cli import watching

    watching.status(run, watch=watch, as_json=json)


@app.command()
def dashboard(
    run: Run, port: Annotated[int, typer.Option(help="Of the page, on 127.0.0.1 only.", min=1, max=65535)] = 8080
) -> None:
    """Serve optuna-dashboard for a search on 127.0.0.1."""
    from seesaw_nas.cli import watching

    watching.dashboard(run, port=port)


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of searches; several are compared.")],
    out: Annotated[
        Path | None, typer.Option(help="The page. Default: report.html of the run; of several, comparison.html here.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    csv: Annotated[Path | None, typer.Option(help="A CSV file to make, with every trial.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    png: Annotated[Path | None, typer.Option(help="A folder for the figures as PNG; wants kaleido, Chromium.")] = None,
    svg: Annotated[Path | None, typer.Option(help="A folder for the figures as SVG.")] = None,
    json: Json = False,
) -> None:
    """Write all figures of a search, or a comparison, as one page."""
    from seesaw_nas.cli import reporting

    wanted = reporting.Wanted(out=out, csv=csv, parquet=parquet, png=png, svg=svg)
    reporting.report(runs, wanted, open_it=open_it, as_json=json)


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
