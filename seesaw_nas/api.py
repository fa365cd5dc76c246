"""Everything the command line does, as functions: search, resume, train.

from seesaw_nas import api

result = api.search(api.SearchSettings(dataset="digits", budget="600K", trials=8), runs_dir="runs")
result.best.architecture, result.front
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import records, space, specfile
from seesaw_nas.conditions import conditions
from seesaw_nas.errors import RunError
from seesaw_nas.final import TrainResult, TrainSettings, train
from seesaw_nas.records import RunFolder, TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.specfile import Named

if TYPE_CHECKING:
    import torch

    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluate.trained import TrainedEvaluator
    from seesaw_nas.search.loop import Listener

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
    "train",
    "write_results",
]


@dataclass(frozen=True)
class Problem:
    """A search made concrete: the images, the space at their size, and what the budget allows.

    Attributes:
        data: on ``device``, cut down to the wanted number of training images.
        feasible: the architectures to choose from.
    """

    settings: SearchSettings
    data: SearchData
    device: torch.device
    feasible: Feasible

    @property
    def space(self) -> space.Space:
        return self.feasible.space

    @property
    def budget(self) -> Budget:
        return self.feasible.budget

    @cached_property
    def evaluator(self) -> TrainedEvaluator:
        """What scores an architecture."""
        from seesaw_nas.evaluate import evaluator

        made: Any = evaluator(self.settings.evaluator)
        return made(self.data, self.settings.fitted_recipe, device=self.device)  # type: ignore[no-any-return]

    @cached_property
    def space_digest(self) -> str:
        """Changes when the space does, so that a run is not continued in another one."""
        return hashlib.sha256(repr(self.space).encode()).hexdigest()[:16]


def pose(settings: SearchSettings) -> Problem:
    """Load the images and find what fits the budget.

    Raises:
        SeesawError: the data set, the space, the budget or the device is not to be had; the message says what is.
    """
    from seesaw_nas import data
    from seesaw_nas.device import find_device

    device = find_device(settings.device)
    if settings.space:
        space.load(settings.space)  # an unknown space is told before any image is read
    images = data.load(settings.dataset, settings.data_path, settings.image_size or None)
    if settings.train_size:
        images = replace(images, train=data.subset(images.train, settings.train_size, settings.seed))
    channels, size, _ = images.input
    found = settings.load_space(size, channels, len(images.classes))
    return Problem(settings, images.to(device), device, found.within(settings.budget or found.default_budget))


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest_macs: of the whole space.
        median_macs: of those within the budget.
        trial_seconds: estimated from one timed step of a median architecture.
    """

    space_size: int
    fitting: int
    cheapest_macs: int
    median_macs: int
    trial_seconds: float
    trials: int


def plan(problem: Problem, trials: int) -> Plan:
    """Count, and time one training step of an architecture of median cost; ``trials`` are still to be trained."""
    import numpy as np

    from seesaw_nas.timing import step_seconds, trial_seconds

    feasible, recipe = problem.feasible, problem.settings.fitted_recipe
    median = feasible.median_macs
    typical = Feasible(problem.space, Budget(median, median)).draw(np.random.default_rng(problem.settings.seed))
    step = step_seconds(typical, problem.data, recipe, problem.device)
    return Plan(
        space_size=problem.space.size,
        fitting=feasible.count,
        cheapest_macs=problem.space.cheapest_macs,
        median_macs=median,
        trial_seconds=trial_seconds(step, problem.data, recipe),
        trials=trials,
    )


@dataclass(frozen=True)
class Result:
    """What a run found so far.

    Attributes:
        ended: why the search stopped.
        trials: every proposal, in order.
    """

    folder: RunFolder
    problem: Problem
    ended: str
    trials: tuple[TrialRecord, ...]

    @property
    def front(self) -> list[TrialRecord]:
        """The trained architectures that no other beats in both top-1 and Multi-Adds, the cheapest first."""
        return records.front(list(self.trials))

    @property
    def best(self) -> TrialRecord | None:
        """The trained architecture with the highest validation top-1; ``None`` when none was trained."""
        return records.best(list(self.trials))


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
    folder = RunFolder.create(path, _description(problem))
    return _run(folder, problem, settings.trials, time_limit, on_plan, listener)


def resume(
    path: Path | str,
    *,
    trials: int | None = None,
    time_limit: float | None = None,
    device: str = "",
    data_dir: str = "",
    on_plan: Callable[[Problem, Plan], None] | None = None,
    listener: Listener | None = None,
) -> Result:
    """Go on with a run where it stopped, however it stopped; what was finished is neither lost nor trained again.

    Args:
        path: the run's folder.
        trials: another total of architectures to train, in place of the run's own.
        device, data_dir: another device or place of the images, instead of the run's own.

    Raises:
        SeesawError: it is no run folder, its space has changed, or another process works on it.
    """
    folder = RunFolder.open(Path(path))
    description = folder.read()
    if description.get("kind") != KIND:
        raise RunError(
            f"{folder.path} is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --resume`"
        )
    settings = SearchSettings.from_dict(description.get("settings", {}))
    settings = replace(
        settings,
        trials=settings.trials if trials is None else trials,
        device=device or settings.device,
        data_dir=data_dir or settings.data_dir,
    )
    problem = pose(settings)
    if description.get("space_digest") != problem.space_digest:
        raise RunError(f"the space '{problem.space.name}' has changed since {folder.path} began; begin a new run")
    if description.get("recipe") != settings.fitted_recipe.to_dict():
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
        return result


def write_results(result: Result) -> None:
    """Write the run's ``pareto.csv``, ``best.json`` and ``report.html`` anew."""
    from seesaw_nas import report

    folder, problem = result.folder, result.problem
    found = list(result.trials)
    report.write_csv(folder.pareto, found, budget=problem.budget)
    report.write_html(
        folder.report,
        found,
        title=folder.name,
        dataset=problem.settings.dataset,
        budget=problem.budget,
        conditions=_shown_conditions(folder, problem),
    )
    if (best := result.best) is not None and best.architecture is not None:
        named = Named(f"{folder.name}-{best.number}", best.architecture)
        records.write_json(folder.best, specfile.document(named, _provenance(result, best)))


def _provenance(result: Result, trial: TrialRecord) -> dict[str, Any]:
    settings = result.problem.settings
    return {
        "top1": trial.top1,
        "split": trial.split,
        "seed": trial.seed,
        "n_seeds": 1,
        "run": result.folder.name,
        "trial": trial.number,
        "dataset": settings.dataset,
        "n_train": len(result.problem.data.train),
        "n_validation": len(result.problem.data.validation),
        "recipe": settings.recipe,
        "epochs": settings.fitted_recipe.epochs,
        "conditions": result.folder.read()["conditions"],
    }


def _shown_conditions(folder: RunFolder, problem: Problem) -> dict[str, str]:
    settings = problem.settings
    return {
        "data set": settings.dataset,
        "images": f"{len(problem.data.train):,} to train on, {len(problem.data.validation):,} to validate on",
        "space": problem.space.name,
        "strategy": settings.strategy,
        "recipe": f"{settings.recipe}: {settings.fitted_recipe.summary}",
        "seed": str(settings.seed),
        **folder.read()["conditions"],
    }


def _description(problem: Problem) -> dict[str, Any]:
    from seesaw_nas.device import describe

    return {
        "kind": KIND,
        "settings": problem.settings.to_dict(),
        "budget": {"low": problem.budget.low, "high": problem.budget.high},
        "space": problem.space.name,
        "space_digest": problem.space_digest,
        "recipe": problem.settings.fitted_recipe.to_dict(),
        "conditions": conditions(describe(problem.device)),
    }


def _default_name(settings: SearchSettings, budget: Budget) -> str:
    stem = Path(settings.dataset.removeprefix("folder:")).name
    return f"{stem}-{str(budget).replace(':', '-')}-{datetime.now():%Y%m%d-%H%M%S}"
