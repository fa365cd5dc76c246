"""Everything the command line does, as functions: search, resume, train.

from seesaw_nas import api

result = api.search(api.SearchSettings(dataset="digits", budget="600K", trials=8), runs_dir="runs")
result.best.architecture, result.front
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.errors import RunError
from seesaw_nas.final import TrainResult, TrainSettings, train
from seesaw_nas.problem import Plan, Problem, description, plan, pose
from seesaw_nas.recipes import completed
from seesaw_nas.records import RunFolder
from seesaw_nas.results import Result, read_timings, time_front, write_results
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget
from seesaw_nas.tabulate import tabulate

if TYPE_CHECKING:
    from seesaw_nas.search.listener import Listener

KIND = "search"

__all__ = [
    "Plan",
    "Problem",
    "Result",
    "SearchSettings",
    "TrainResult",
    "TrainSettings",
    "plan",
    "pose",
    "resume",
    "search",
    "tabulate",
    "train",
    "write_results",
]


def search(
    settings: SearchSettings,
    *,
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: Callable[[Problem, Plan], None] | None = None,
    listener: Listener | None = None,
) -> Result:
    """Search a space under a budget; everything found is in the run's folder, after every trial.

    Args:
        name: of the run's folder in ``runs_dir``; made from data set, budget and time when empty.
        time_limit: seconds after which no further trial begins.
        on_plan: told what is about to happen, before any training.
        listener: told what happens.

    Raises:
        SeesawError: the settings cannot be carried out, or the folder exists already.
    """
    problem = pose(settings)
    path = Path(runs_dir) / (name or _default_name(settings, problem.budget))
    folder = RunFolder.create(path, {"kind": KIND, **description(problem)})
    return _run(folder, problem, settings.trials, time_limit, on_plan, listener)


def resume(
    path: Path | str,
    *,
    trials: int | None = None,
    time_limit: float | None = None,
    device: str = "",
    data_dir: str = "",
    latency: bool | None = None,
    on_plan: Callable[[Problem, Plan], None] | None = None,
    listener: Listener | None = None,
) -> Result:
    """Go on with a run where it stopped, however it stopped; what was finished is neither lost nor trained again.

    Args:
        path: the run's folder.
        trials: another total of architectures to train, in place of the run's own.
        device, data_dir: another device or place of the images, instead of the run's own.
        latency: whether to time the front, instead of what the run says.

    Raises:
        SeesawError: it is no run folder, its space has changed, or another process works on it.
    """
    folder = RunFolder.open(Path(path))
    begun = folder.read()
    if begun.get("kind") != KIND:
        raise RunError(
            f"{folder.path} is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --resume`"
        )
    settings = SearchSettings.from_dict(begun.get("settings", {}))
    read_timings(folder)  # a damaged file is told before any training
    settings = replace(
        settings,
        trials=settings.trials if trials is None else trials,
        device=device or settings.device,
        data_dir=data_dir or settings.data_dir,
        latency=settings.latency if latency is None else latency,
    )
    problem = pose(settings)
    if begun.get("space_digest") != problem.space_digest:
        raise RunError(f"the space '{problem.space.name}' has changed since {folder.path} began; begin a new run")
    if completed(begun.get("recipe", {})) != settings.fitted_recipe.to_dict():
        raise RunError(f"the recipe '{settings.recipe}' has changed since {folder.path} began; begin a new run")
    return _run(folder, problem, settings.trials, time_limit, on_plan, listener)


def _run(
    folder: RunFolder,
    problem: Problem,
    trials: int,
    time_limit: float | None,
    on_plan: Callable[[Problem, Plan], None] | None,
    listener: Listener | None,
) -> Result:
    from seesaw_nas.search import history, loop, strategies

    settings = problem.settings
    with folder.owned():
        trial_history = history.History(history.open_study(folder.journal, folder.name), problem.space, problem.budget)
        strategy = strategies.make(settings.strategy, problem.feasible, settings.seed)
        search_loop = loop.Search(trial_history, strategy, problem.evaluator, settings.seed, listener)
        if on_plan is not None:
            on_plan(problem, plan(problem, max(0, trials - search_loop.trained)))
        try:
            ended = search_loop.run(trials, time_limit)
        except KeyboardInterrupt:
            write_results(Result(folder, problem, "interrupted", tuple(trial_history.records())))
            raise
        result = Result(folder, problem, ended, tuple(trial_history.records()))
        write_results(result)
        if settings.latency and time_front(result, listener):
            write_results(result)
        return result


def _default_name(settings: SearchSettings, budget: Budget) -> str:
    stem = Path(settings.dataset.removeprefix("folder:")).name
    return f"{stem}-{str(budget).replace(':', '-')}-{datetime.now():%Y%m%d-%H%M%S}"
