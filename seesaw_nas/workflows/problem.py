"""The problem of a search: settings turned into a space under its budget, images, a device and an evaluator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import data, evaluators, space
from seesaw_nas.core import threads
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import cuda_count, describe, find_device
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import digest_of_file, show_path
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.data.unread import NOTHING, PassedOver
from seesaw_nas.evaluators import SUPERNET, TABLE, Evaluator, Subject, needs, on_device, trains
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.called import as_evaluator
from seesaw_nas.evaluators.catching import CatchingEvaluator
from seesaw_nas.evaluators.differences import SCORED_BY_SUPERNET, difference
from seesaw_nas.search import engines, objectives
from seesaw_nas.search.history.addresses import without_password
from seesaw_nas.search.settings import PYTHON, SearchSettings
from seesaw_nas.space import Budget, Feasible, profile_file
from seesaw_nas.space.costs import Cost
from seesaw_nas.training import supernet
from seesaw_nas.training.execution import AUTOMATIC
from seesaw_nas.workflows import budgets, places
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects, name_of
from seesaw_nas.workflows.search_images import load_described, load_images

if TYPE_CHECKING:
    import torch

    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.data import SearchData


@dataclass(frozen=True)
class Problem:
    """A search made concrete: the images, the space at their size, and what the budget allows.

    Attributes:
        subject: what the architectures are trained on.
        device: where this process computes.
        feasible: the architectures to choose from.
        evaluator: what scores one, on the CPU, to be sent to other processes; :attr:`placed` is for this one.
        given: the objects that the program passed.
        passed_over: what of the data set's folder is not read.
        space_file: text that describes the space; empty where it comes with the package, a table or the program.
        whole: images to train on before they were cut to the wanted number; 0 without images.
    """

    settings: SearchSettings
    subject: Subject
    device: torch.device
    feasible: Feasible
    evaluator: Evaluator
    given: Objects = NO_OBJECTS
    passed_over: PassedOver = NOTHING
    space_file: str = ""
    whole: int = 0

    @property
    def space(self) -> space.Space:
        return self.feasible.space

    @property
    def budget(self) -> Budget:
        return self.feasible.budget

    @property
    def cost(self) -> Cost:
        """What a front sets top-1 against."""
        return objectives.cost_of(self.settings.proposals.objectives, self.given.profile)

    @property
    def budget_origin(self) -> str:
        """Where the budget is from, in words, where the space's own was scaled to the images; empty otherwise."""
        return "" if self.settings.scoring.table else budgets.origin(self.feasible, self.settings.searched.budget)

    @property
    def budget_warning(self) -> str:
        """A sentence where the budget limits nothing; empty otherwise."""
        return budgets.warning(self.feasible, self.settings.searched.budget)

    @cached_property
    def placed(self) -> Evaluator:
        """The evaluator on the device: a copy of the images and weights, which stays there as long as the problem."""
        return on_device(self.evaluator, self.device)


def cheap_score(problem: Problem) -> Callable[[Architecture], float] | None:
    """Inherited top-1, where a strategy is to learn from a supernet beside the trainings; ``None`` where it is not.

    Raises:
        SeesawError: the supernet or the images cannot be loaded.
    """
    settings = problem.settings
    if not settings.scoring.supernet or needs(settings.scoring.evaluator) == SUPERNET:
        return None
    images = load_images(settings, problem.given.data)
    inherited = _evaluator(settings.replace(evaluator="inherited"), images, problem.space)
    placed = cache(lambda: on_device(inherited, problem.device))  # not before a strategy has learnt enough to ask
    return lambda architecture: placed().evaluate(architecture, seed=0).top1


def make_problem(settings: SearchSettings, given: Objects = NO_OBJECTS, space_file: str = "") -> Problem:
    """Load the images, or the table of recorded trainings, and the part of the space that fits the budget.

    Paths in the problem's settings are absolute.

    Args:
        space_file: text that describes the space, in place of the file that the settings name.

    Raises:
        SeesawError: the data set, space or device cannot be loaded, or nothing fits the budget; the text says what can.
    """
    device, typed = _device(settings), settings.searched.space
    if settings.searched.latency_profile and given.profile is None:
        path, accept_spread = Path(settings.searched.latency_profile), settings.searched.accept_spread
        given = replace(given, profile=profile_file.read(path, accept_spread))
    objectives.cost_of(settings.proposals.objectives, given.profile)  # what lacks is told before any image is read
    if device.type == "cpu" and settings.training.threads:
        threads.settle(settings.training.threads)
    settings = places.resolve(settings)
    if given.space is None and places.is_space_file(settings):
        text = space_file or space.read_text(typed)
        described = replace(given, space=space.parse(text, typed))
        return _catch(replace(_make(settings, described, device), given=given, space_file=text))
    if settings.searched.space and given.space is None:
        space.load(settings.searched.space)  # an unknown space is told before any image is read
    return _catch(_make(settings, given, device))


def _catch(problem: Problem) -> Problem:
    """The same, with the exceptions caught that the program wants to cost one trial alone."""
    kinds: Any = problem.given.catch
    return replace(problem, evaluator=CatchingEvaluator(problem.evaluator, kinds)) if kinds else problem


def _make(settings: SearchSettings, given: Objects, device: torch.device) -> Problem:
    if given.evaluator is not None:
        if not settings.scoring.evaluator.startswith(PYTHON):
            settings = settings.replace(evaluator=name_of(given.evaluator))  # its scores are not those of ours
        return _make_called(settings, given, device)
    if settings.scoring.evaluator.startswith(PYTHON):
        raise RunError(
            f"the evaluator was {settings.scoring.evaluator}, an object of a program; pass it again to go on"
        )
    if needs(settings.scoring.evaluator) == TABLE:
        return _make_recorded(settings, given, device)
    problem = _on_images(settings, given, device)
    if settings.scoring.supernet:
        _check_supernet(problem)
    return problem


def _check_supernet(problem: Problem) -> None:
    """Refuse weights that were trained on other images, as far as their folder says of which.

    Raises:
        RunError: they were.
    """
    path = Path(problem.settings.scoring.supernet)
    if not is_run(path):
        return
    shown = show_path(path)
    trained = Basis.of(RunFolder.open(path).description, shown)
    if differing := difference(trained, basis_of(problem, "this search"), SCORED_BY_SUPERNET):
        raise RunError(f"the supernet in {shown} is of other images: {differing}; train one on these")


def _device(settings: SearchSettings) -> torch.device:
    """Where this process computes; the GPUs that Ray is to train on may all be in other machines of its cluster.

    Raises:
        OptionError: there is no such device here.
    """
    elsewhere = settings.placement.engine == "ray" and settings.training.device == "cuda" and not cuda_count()
    return find_device("cpu" if elsewhere else settings.training.device)


def _on_images(settings: SearchSettings, given: Objects, device: torch.device) -> Problem:
    images, trained_on, whole = load_described(settings, given.data)
    feasible = _feasible(settings, given, trained_on)
    evaluator = _evaluator(settings, images, feasible.space)
    return Problem(settings, trained_on, device, feasible, evaluator, given, images.passed_over, whole=whole)


def _evaluator(settings: SearchSettings, images: SearchData, searched: space.Space) -> Evaluator:
    """What the settings name, on the CPU."""
    scoring, name = settings.scoring, settings.scoring.evaluator
    setting = evaluators.EvaluatorSetting(
        name,
        searched,
        settings.training.fitted_recipe,
        scoring.curve,
        images.to("cpu"),
        Path(scoring.supernet) if scoring.supernet else None,
    )
    return evaluators.make(name, setting)


def _make_called(settings: SearchSettings, given: Objects, device: torch.device) -> Problem:
    evaluator = as_evaluator(given.evaluator)
    dataset = settings.training.dataset
    found = given.space or space.load(settings.searched.space or data.default_space(dataset) or dataset)
    shape = (found.input_channels, found.input_size, found.input_size)
    if given.data is None:
        scored_on = Subject("", shape, found.classes, 0, 0)
    else:  # the evaluator need not look at them, but figures on others are others
        scored_on = load_described(settings, given.data).subject
    feasible = budgets.find_feasible(found, settings.searched.budget, "", given.profile)
    return Problem(settings, scored_on, device, feasible, evaluator, given)


def _make_recorded(settings: SearchSettings, given: Objects, device: torch.device) -> Problem:
    table = tables.read(Path(settings.scoring.table))
    settings = settings.replace(dataset=table.subject.name, recipe=table.recipe, epochs=table.epochs)
    described = given
    if table.space_file and not settings.searched.space and given.space is None:
        described = replace(given, space=space.parse(table.space_file, settings.scoring.table))
    searched = settings.replace(space=settings.searched.space or table.space)
    feasible = _feasible(searched, described, table.subject, table.budget)
    name, recipe = settings.scoring.evaluator, settings.training.fitted_recipe
    evaluator = evaluators.make(name, evaluators.EvaluatorSetting(name, feasible.space, recipe, table=table))
    return Problem(settings, table.subject, device, feasible, evaluator, given)


def _feasible(settings: SearchSettings, given: Objects, subject: Subject, default_budget: str = "") -> Feasible:
    channels, size, _ = subject.input
    if given.space is None:
        found = settings.load_space(size, channels, subject.classes)
    else:
        found = given.space.adapt(size, channels, subject.classes)
    dataset = "" if settings.scoring.table or given.data else settings.training.dataset
    return budgets.find_feasible(found, settings.searched.budget or default_budget, dataset, given.profile)


def description(problem: Problem) -> dict[str, Any]:
    """What a run is, and where it was made, in JSON values."""
    lanes = engines.lanes(problem.settings, problem.device)
    found = conditions(describe(problem.device, lanes.threads)) | (
        AUTOMATIC.plan(problem.device) if trains(problem.settings.scoring.evaluator) else {}
    )
    return record_of(problem) | {"conditions": found}


def record_of(problem: Problem) -> dict[str, Any]:
    """What a run is, in JSON values: all that :class:`seesaw_nas.evaluators.basis.Basis` reads."""
    return {
        "given": problem.given.names,
        "settings": problem.settings.to_dict() | _storage(problem.settings),
        "budget": problem.budget.to_dict(),
        **({"latency_profile": profile.as_dict()} if (profile := problem.given.profile) else {}),
        "space": problem.space.name,
        "space_digest": problem.space.digest,
        **({"space_file": problem.space_file} if problem.space_file else {}),
        "recipe": problem.settings.training.fitted_recipe.to_dict(),
        "images": problem.subject.record,
        "evaluator_file": _evaluator_file(problem),
    }


def basis_of(problem: Problem, name: str) -> Basis:
    """What the figures of a search are of, as it would be carried out now."""
    return Basis.of(record_of(problem), name)


def _evaluator_file(problem: Problem) -> str:
    """A digest of the table or of the weights that scores come from; of a program's evaluator, its own ``basis``."""
    settings = problem.settings
    if problem.given.evaluator is not None:
        return str(getattr(problem.given.evaluator, "basis", ""))
    if needs(settings.scoring.evaluator) == TABLE:
        return digest_of_file(Path(settings.scoring.table))
    if needs(settings.scoring.evaluator) == SUPERNET:
        return digest_of_file(Path(settings.scoring.supernet) / supernet.WEIGHTS)
    return ""


def _storage(settings: SearchSettings) -> dict[str, str]:
    """Where the history is, in a form that may be kept."""
    if not settings.placement.storage:
        return {}
    return {"storage": without_password(settings.placement.storage)}
