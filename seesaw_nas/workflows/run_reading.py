"""A run read from its folder, as a report takes it. Loads without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import BudgetError, RunError, SpecError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.core.typed import conform
from seesaw_nas.deploy import latency
from seesaw_nas.deploy.latency import NO_TIMINGS, Timings
from seesaw_nas.evaluators import TABLE, needs, trains
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.report import Run
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.recorded import find_space, recorded_budget, recorded_profile
from seesaw_nas.search.settings import PYTHON, SearchSettings
from seesaw_nas.space.budget import Budget
from seesaw_nas.workflows import confirmation
from seesaw_nas.workflows.confirmation import Confirmed

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Subject


def read(path: Path | str, storage: str = "") -> Run:
    """The run in a folder, as a report takes it; another process may be working on it.

    Args:
        storage: URL of the database that has its history; needed where the folder has none.

    Raises:
        RunError: it is no folder of a search, or something in it is damaged.
        OptionError: its history is in a database that cannot be reached.
    """
    folder = RunFolder.open(Path(path), storage)
    about = folder.description
    if "trials" not in about.get("settings", {}):
        raise RunError(f"{folder.path} is no search; what a training came to is in its result.json")
    settings = SearchSettings.from_dict(about["settings"])
    try:
        budget, space_name = _budget_of(folder), str(about["space"])
        found = records_of(folder)
        timings, confirmed, images = read_timings(folder), confirmation.read(folder.confirmed), _known_images(folder)
        return Run(
            name=folder.name,
            records=tuple(found),
            budget=budget,
            settings=settings,
            space=find_space(settings, space_name, found, str(about.get("space_file", ""))),
            conditions=conditions_of(folder, settings, space_name, images, timings, confirmed),
            timings=timings,
            spreads=confirmed.spreads,
            basis=Basis.of(about, folder.name),
            profile=recorded_profile(about),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{folder.description_file} is damaged: {type(error).__name__} {error}; restore it") from None


def _budget_of(folder: RunFolder) -> Budget:
    try:
        return recorded_budget(folder.description)
    except (BudgetError, SpecError) as error:
        raise RunError(
            f"{folder.description_file} is damaged: its budget cannot be read: {error}; restore it"
        ) from None


def read_timings(folder: RunFolder) -> Timings:
    """What a run's ``latency.json`` says; empty without one.

    Raises:
        RunError: the file is damaged.
    """
    return latency.read(folder.latency) if folder.latency.exists() else NO_TIMINGS


def conditions_of(
    folder: RunFolder, settings: SearchSettings, space_name: str, images: str, timings: Timings, confirmed: Confirmed
) -> dict[str, str]:
    """Everything that the figures of a run rest on, by name, in the order of a page."""
    evaluator = settings.scoring.evaluator
    has_data, has_recipe = images or not evaluator.startswith(PYTHON), trains(evaluator) or needs(evaluator) == TABLE
    conditions = {
        "data set": settings.training.dataset if has_data else "",
        "images": images,
        "space": space_name,
        "strategy": settings.proposals.strategy,
        "scheduler": "" if settings.scheduling.scheduler == "none" else settings.scheduling.scheduler,
        "evaluator": "" if settings.scoring.evaluator == "trained" else settings.scoring.evaluator,
        "recipe": f"{settings.training.recipe}: {settings.training.fitted_recipe.summary}" if has_recipe else "",
        "seed": str(settings.training.seed),
        **folder.description["conditions"],
        **{f"trained again: {name}": text for name, text in confirmed.conditions.items()},
        "trained again: ties": str(confirmed.ties),
        **{f"latency: {name}": text for name, text in timings.conditions.items()},
    }
    return {name: text for name, text in conditions.items() if text}


def describe_images(subject: Subject) -> str:
    """How many images a search has, in words; empty where it has none."""
    return f"{subject.n_train:,} to train on, {subject.n_validation:,} to validate on" if subject.n_train else ""


def _known_images(folder: RunFolder) -> str:
    """From the best's provenance, the one place in a folder that has the numbers; nothing before there is one."""
    try:
        result = read_json(folder.best)["result"]
        n_train, n_validation = (conform(name, int, result[name]) for name in ("n_train", "n_validation"))
        return f"{n_train:,} to train on, {n_validation:,} to validate on" if n_train else ""
    except (DocumentError, SpecError, KeyError, TypeError):
        return ""
