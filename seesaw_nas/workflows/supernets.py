"""The training of a supernet in a folder of its own, with its settings, weights, curve and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.core import signals, threads
from seesaw_nas.core.device import describe
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import take_fields
from seesaw_nas.core.files import write_json
from seesaw_nas.core.names import derive_name
from seesaw_nas.core.run_folder import RunFolder, is_taken
from seesaw_nas.core.typed import build, conform
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import difference
from seesaw_nas.evaluators.ranking.spent import CORE, GPU
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible, Space
from seesaw_nas.training import checkpoints, recipes
from seesaw_nas.training.batches import steps_per_epoch
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.execution import EAGER
from seesaw_nas.training.supernet import WEIGHTS, Supernet, TrainedSupernet, load, save
from seesaw_nas.training.supernet import train as train_supernet
from seesaw_nas.training.supernet.sampling import check_recipe, sampler
from seesaw_nas.training.timing import Line, spread, step_seconds
from seesaw_nas.workflows.problem import Problem, description, make_problem
from seesaw_nas.workflows.search_images import load_images

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData
    from seesaw_nas.training.options import Training
    from seesaw_nas.training.supernet import TrainedSupernet

KIND = "supernet"
_TOOK: dict[str, type] = {"seconds": float, "core_seconds": float, "steps": int}
DRAWN = 16  # steps whose architectures an estimate looks at
DEARER = 1.06  # times as long as a step of its networks alone a step of the supernet takes, by benchmarks/supernet.py
LONGER = 3  # times the recipe's own epochs, where no number is given: the weights serve many networks
OnBegin = Callable[[Problem, recipes.Recipe, int], None]
"""Told the problem, the recipe and the number of training images."""


def fitted_recipe(settings: SearchSettings) -> recipes.Recipe:
    """The recipe at the supernet's epochs."""
    own = recipes.recipe(settings.training.recipe)
    return own.with_epochs(settings.steps.supernet_epochs or LONGER * own.epochs)


def supernet(
    settings: SearchSettings,
    out: Path | None = None,
    *,
    resume: bool = False,
    listener: Listener | None = None,
    on_begin: OnBegin | None = None,
    on_estimate: Callable[[float], None] | None = None,
    on_problem: Callable[[Problem], None] | None = None,
) -> tuple[Path, TrainedSupernet]:
    """Train a supernet of a space in a folder of its own; the folder and what is in it.

    Args:
        settings, listener: as for :func:`train_in`; the space and the budget, too.
        out: the folder; ``runs/supernet-SPACE-RECIPE-SEED`` without.
        resume: go on with the training in that folder.
        on_begin, on_estimate: told of what is to come, and in how many seconds it is over by a few measured steps.
        on_problem: told of the problem, also where the supernet was trained before.

    Raises:
        SeesawError: the folder exists, or as for :func:`train_in`.
    """
    if listener:
        listener.doing("reading images")
    problem = make_problem(settings)
    if on_problem:
        on_problem(problem)
    settings, training = problem.settings, problem.settings.training
    path = out or folder_of(training, problem.space.name)
    folder = _folder(path, settings, problem, listener, resume=resume)
    return path, _train(folder, settings, problem, listener, on_begin, on_estimate)


def folder_of(training: Training, space: str) -> Path:
    """The folder that is made where none is named."""
    return Path("runs") / derive_name(f"supernet-{space}", training.recipe, training.seed)


def train_in(
    folder: Path,
    settings: SearchSettings,
    problem: Problem,
    *,
    listener: Listener | None = None,
) -> TrainedSupernet:
    """Train a supernet of the problem's space in a folder, which is made; called again, this goes on until it is done.

    SIGINT, SIGTERM and SIGHUP end the training after the step at hand, with its checkpoint on disk; a second one ends
    at once.

    Args:
        settings: say on which images, by which recipe, with which seed, ``sampling`` and ``supernet_epochs``.
        problem: the space and the budget.
        listener: told of steps and epochs.

    Raises:
        SeesawError: the images cannot be loaded, the folder is of something else, or training failed or was
            interrupted.
    """
    return _train(_folder(folder, settings, problem, listener, resume=True), settings, problem, listener)


def _train(
    run: RunFolder,
    settings: SearchSettings,
    problem: Problem,
    listener: Listener | None,
    on_begin: OnBegin | None = None,
    on_estimate: Callable[[float], None] | None = None,
) -> TrainedSupernet:
    recipe, told = fitted_recipe(settings), listener or Listener()
    with run.hold():
        if _result(run).exists():
            return _done(run, problem.space)
        images = load_images(settings, problem.given.data).to(problem.device)
        if on_begin:
            on_begin(problem, recipe, len(images.train))
        if on_estimate:
            told.doing("timing a step")
            on_estimate(estimate(settings, problem.feasible, images, recipe, problem.device))
        with signals.catch_signals() as stop:
            trained = train_supernet(
                Supernet.build(problem.space, seed=settings.training.seed),
                problem.feasible,
                images,
                recipe,
                seed=settings.training.seed,
                device=problem.device,
                sampling=settings.steps.sampling,
                on_epoch=told.epoch,
                on_step=told.step,
                checkpoint=_checkpoint(run),
                stop=stop,
            )
        _write(run, trained)
        return trained


def _folder(
    path: Path, settings: SearchSettings, problem: Problem, listener: Listener | None, *, resume: bool
) -> RunFolder:
    """The folder, made where nothing is there; with ``resume`` also one of the same supernet.

    Raises:
        SeesawError: the recipe is none for a supernet, or the folder is taken.
    """
    check_recipe(fitted_recipe(settings))
    about = _about(settings, problem)
    if not resume or not is_taken(path):
        return RunFolder.create(path, about)
    folder = RunFolder.open(path)
    before = folder.description
    if before.get("kind") != KIND:
        raise RunError(f"{path} is the folder of a {before.get('kind')}, not of a supernet; choose another folder")
    if differing := difference(Basis.of(before, str(path)), Basis.of(about, "what is wanted now")):
        raise RunError(f"{path} is another supernet: {differing}; choose another folder")
    if listener and not _result(folder).exists() and (changed := threads.change(before, threads.recorded(about))):
        listener.remark(f"{path}: {changed}")
    return folder


def _about(settings: SearchSettings, problem: Problem) -> dict[str, Any]:
    recipe = fitted_recipe(settings)
    about = description(replace(problem, settings=settings))
    conditions = about["conditions"] | {"device": describe(problem.device)}  # this process alone trains it
    return {
        "kind": KIND,
        **about,
        "conditions": conditions,
        "recipe": recipe.to_dict(),
        "sampling": settings.steps.sampling,
        "epochs": recipe.epochs,
    }


def estimate(
    settings: SearchSettings, feasible: Feasible, images: SearchData, recipe: recipes.Recipe, device: Any
) -> float:
    """Seconds of the whole training, by steps of a few of the architectures that it draws."""
    rng, sample = np.random.default_rng(settings.training.seed), sampler(settings.steps.sampling, feasible)
    steps = [sample(rng) for _ in range(DRAWN)]
    drawn = sorted((one for step in steps for one in step), key=cost.macs)
    line = Line.through([(cost.macs(one), step_seconds(one, images, recipe, device, EAGER)) for one in spread(drawn)])
    each = sum(line.at(cost.macs(one)) for one in drawn) / len(steps)
    return DEARER * each * recipe.epochs * steps_per_epoch(images, recipe)


def _write(folder: RunFolder, trained: TrainedSupernet) -> None:
    about = folder.description
    header = {"dataset": about["settings"]["dataset"], "sampling": about["sampling"], "epochs": str(about["epochs"])}
    save(trained.supernet, folder.path / WEIGHTS, header)
    found = {name: getattr(trained, name) for name in _TOOK}
    found["unit"] = GPU if trained.supernet.device.type == "cuda" else CORE
    curve = [asdict(epoch) for epoch in trained.curve]
    write_json(_result(folder), {**found, "curve": curve, "conditions": about["conditions"]})
    checkpoints.discard(_checkpoint(folder))


def _done(folder: RunFolder, space: Space) -> TrainedSupernet:
    try:
        found = take_fields(read_json(_result(folder)), ["curve", *_TOOK], ["unit", "conditions"])
        curve = tuple(build(Epoch, epoch) for epoch in conform("curve", tuple[Any, ...], found["curve"]))
        took = [conform(name, kind, found[name]) for name, kind in _TOOK.items()]
    except (DocumentError, SpecError) as error:
        raise RunError(f"{_result(folder)} is damaged ({error}); delete it, and the training is done again") from None
    weights = load(folder.path / WEIGHTS, space)
    return TrainedSupernet(weights, curve, *took)


def _result(folder: RunFolder) -> Path:
    return folder.path / "result.json"


def _checkpoint(folder: RunFolder) -> Path:
    return folder.path / "checkpoint.safetensors"
