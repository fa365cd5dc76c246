"""What a long command is about to do, without doing it: images are read and a step is timed, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import data
from seesaw_nas.architecture import specfile
from seesaw_nas.core import names
from seesaw_nas.core.device import find_device
from seesaw_nas.core.files import refuse_existing
from seesaw_nas.core.run_folder import NameTaken, RunFolder, is_taken
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.records import TRAINED
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.spending import Spending
from seesaw_nas.search.spending import begun as count_begun
from seesaw_nas.training.execution import Execution
from seesaw_nas.workflows import confirmation, preparing, resuming, supernets, train
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects
from seesaw_nas.workflows.plan import Plan, plan
from seesaw_nas.workflows.problem import Problem
from seesaw_nas.workflows.search_images import load_images
from seesaw_nas.workflows.shared_plan import SharedPlan, plan_steps
from seesaw_nas.workflows.tabulate import find_architectures, left_of, plan_trainings, read_done

if TYPE_CHECKING:
    from seesaw_nas.architecture.specfile import Named
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.training.options import TrainSettings
    from seesaw_nas.training.recipes import Recipe


def preview(
    settings: SearchSettings,
    *,
    given: Objects = NO_OBJECTS,
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    listener: Listener | None = None,
) -> tuple[Problem, Plan]:
    """The plan of a search that :func:`seesaw_nas.workflows.searches.begin` would begin.

    Raises:
        SeesawError: it could not begin: the settings cannot be carried out, or the folder exists already.
    """
    if name and is_taken(path := Path(runs_dir) / names.check_name(name, "--name")):
        raise NameTaken(path)
    problem = _problem(settings, given, listener)
    preparing.find_starts(problem, name or "this search", listener)
    settings = problem.settings
    steps = plan_steps(settings, problem.subject.n_validation, Path("supernet"))[:-1] if _in_steps(settings) else ()
    return problem, _plan_left(problem, {}, listener, steps=steps, time_limit=time_limit)


def preview_resumed(
    path: Path,
    *,
    given: Objects = NO_OBJECTS,
    time_limit: float | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> tuple[Problem, Plan]:
    """The plan of what is left of a search; arguments as of :func:`seesaw_nas.workflows.searches.resume`.

    Raises:
        SeesawError: it is no search, or cannot go on.
    """
    folder = RunFolder.open(path, str(changes.get("storage") or ""))
    settings = resuming.settings_of(folder, changes)
    problem = resuming.restore_problem(settings, given, folder.description, str(path), listener)
    trained = [record for record in records_of(folder) if record.state in TRAINED and record.state != "running"]
    trainings = {(record.schedule, record.digest) for record in trained}
    begun = Counter(schedule for schedule, _ in trainings)
    steps = SharedPlan(folder, problem, None, None).to_come if _in_steps(settings) else ()
    repeated = len(confirmation.read(folder.confirmed).repeats)
    more = {"steps": steps, "time_limit": time_limit, "trained": begun[0], "repeated": repeated}
    return problem, _plan_left(problem, begun, listener, **more)


def preview_table(
    settings: SearchSettings,
    out: Path,
    *,
    seeds: int = 3,
    like: Path | None = None,
    listener: Listener | None = None,
) -> tuple[Problem, Plan]:
    """The plan of a table that :func:`seesaw_nas.workflows.tabulate.tabulate` would begin.

    Raises:
        SeesawError: it could not begin.
    """
    refuse_existing(out)
    problem = _problem(settings, NO_OBJECTS, listener)
    architectures = find_architectures(problem, like, listener)[0]
    left = left_of(architectures, settings.training.seed, seeds, read_done(out))
    return problem, plan_trainings(problem, left, listener)


def preview_supernet(
    settings: SearchSettings,
    *,
    on_begin: Callable[[Problem, Recipe, int], None],
    on_estimate: Callable[[float], None],
    listener: Listener | None = None,
) -> tuple[Problem, float]:
    """What the training of a supernet would be of, and its seconds.

    Raises:
        SeesawError: it could not begin.
    """
    problem = _problem(settings, NO_OBJECTS, listener)
    images = load_images(problem.settings).to(problem.device)
    on_begin(problem, recipe := supernets.fitted_recipe(problem.settings), len(images.train))
    if listener:
        listener.doing("timing a step")
    seconds = supernets.estimate(problem.settings, problem.feasible, images, recipe, problem.device)
    on_estimate(seconds)
    return problem, seconds


def preview_training(
    settings: TrainSettings,
    out: Path | None = None,
    *,
    resume: bool = False,
    on_begin: Callable[[Named, Recipe, int], None],
    on_estimate: Callable[[float], None],
    on_note: Callable[[str], None],
) -> float:
    """The seconds of a final training by one process, which :func:`seesaw_nas.workflows.train.train` would begin.

    Raises:
        SeesawError: it could not begin.
    """
    named, training = specfile.resolve(settings.spec), settings.training
    dataset, recipe = training.dataset or train.dataset_of(named), training.fitted_recipe
    path = out or train.folder_of(settings, named)
    if is_taken(path) and not resume:
        raise NameTaken(path)
    device, execution = find_device(training.device), Execution(settings.execution)
    execution.check(device, 1)
    size = named.architecture.input_size if dataset not in data.ONE_SIZE else None
    images = data.load(dataset, training.data_path, size)
    data.check_fits(named.architecture, images)
    images = data.cut(images, training.train_size, 0, training.seed).to(device)
    on_begin(named, recipe, len(images.train))
    if images.passed_over.count:
        on_note(images.passed_over.sentence)
    seconds = train.estimate(named, images, recipe, device, 1, execution)
    on_estimate(seconds)
    return seconds


def _problem(settings: SearchSettings, given: Objects, listener: Listener | None) -> Problem:
    """The problem; copies of images, which a cache would keep, are not made."""
    return preparing.prepare(settings.replace(cache_dir=""), given, "", listener)


def _in_steps(settings: SearchSettings) -> bool:
    return settings.steps.plan == "shared"


def _plan_left(problem: Problem, begun: Mapping[int, int], listener: Listener | None, **more: Any) -> Plan:
    """The plan of the trainings that are left after so many by each schedule, 0 for that of the recipe."""
    settings, epochs = problem.settings.proposals, problem.evaluator.epochs
    left = Spending(settings.trials, epochs, int(settings.short_epochs)).left(count_begun(begun, epochs))
    halving = preparing.choose_method(problem).halving
    return plan(problem, left.whole, halving, listener=listener, short=left.short, **more)
