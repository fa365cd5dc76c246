"""A search in its run folder: begin it, resume it, and run it to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seesaw_nas.core import names, signals
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.evaluators import gives_accuracy, shortened
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import difference, unknown
from seesaw_nas.search import engines, proposer, starts
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.halving import Halving
from seesaw_nas.search.history.addresses import check_cluster
from seesaw_nas.search.history.with_optuna import url_of
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings
from seesaw_nas.search.spending import AUTO, default_short
from seesaw_nas.search.strategies.base import Setting, Strategy
from seesaw_nas.search.strategies.resolver import resolve
from seesaw_nas.search.topics import ESTIMATE
from seesaw_nas.workflows import confirmation, folders, places, results
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects, name_of
from seesaw_nas.workflows.plan import Plan, plan
from seesaw_nas.workflows.problem import Problem, basis_of, cheap_score, description, make_problem
from seesaw_nas.workflows.results import Result, collect, time_front, write_results
from seesaw_nas.workflows.run_reading import read_timings
from seesaw_nas.workflows.search_history import open_history
from seesaw_nas.workflows.shared_plan import SharedPlan, Unfinished
from seesaw_nas.workflows.watching import write_events

if TYPE_CHECKING:
    from seesaw_nas.search.engines import Engine
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.starts import Start

KIND = "search"
OnPlan = Callable[[Problem, Plan], None]


def begin(
    settings: SearchSettings,
    *,
    given: Objects = NO_OBJECTS,
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    found: Sequence[Start] | None = None,
    space_file: str = "",
) -> Result:
    """Search by these settings; everything found is in the run's folder, after every trial.

    Args:
        given: objects in place of what the settings name.
        name: of the run's folder in ``runs_dir``; made from data set, budget and time when empty, with a number behind
            where another run has that name.
        time_limit: seconds after which no further trial begins.
        on_plan: told what is about to happen, before any training.
        listener: told what happens.
        found: architectures to train first, in place of those that the settings name.
        space_file: text that describes the space, in place of the file that the settings name.

    Raises:
        SeesawError: the settings cannot be carried out, or the folder exists already.
    """
    if name:
        names.check_name(name, "--name")
    problem = settle_short(make_problem(settings, given, space_file))
    settings = settings.replace(short_epochs=problem.settings.proposals.short_epochs)
    how = choose_method(problem)
    about = {"kind": KIND, **description(problem)}
    wanted = name or folders.default_name(settings, problem.budget)
    first = _starts(problem, str(Path(runs_dir) / wanted), listener) if found is None else list(found)
    with engines.connect_engine(settings, problem.device) as engine:
        make = partial(folders.make, settings, about)
        folder = make(Path(runs_dir) / wanted) if name else folders.make_first(Path(runs_dir), wanted, make)
        return run(folder, problem, how, lambda: first, engine, time_limit, on_plan, listener)


def settle_short(problem: Problem) -> Problem:
    """The problem with a number for the epochs of its short trainings.

    Raises:
        OptionError: the evaluator has no such schedule, or it is no shorter than a whole training.
    """
    settings, evaluator = problem.settings, problem.evaluator
    asked, trials = settings.proposals.short_epochs, settings.proposals.trials
    if asked == AUTO:
        short = default_short(trials, evaluator.epochs) if settings.short_may_pay else 0
        short = short if shortened(evaluator, short) is not None else 0
        return replace(problem, settings=settings.replace(short_epochs=short))
    if int(asked) and int(asked) >= evaluator.epochs:
        raise OptionError(
            f"--short-epochs must be less than the {evaluator.epochs} epochs of a whole training, got {asked}"
        )
    if shortened(evaluator, int(asked)) is None:
        raise OptionError(
            f"--short-epochs {asked} wants trainings by a schedule of {asked} epochs, which the evaluator "
            f"{settings.scoring.evaluator} does not have; leave it out"
        )
    return problem


def _starts(problem: Problem, name: str, listener: Listener | None) -> list[Start]:
    """What the settings name to begin with; the listener is told why figures of an earlier run are not taken over."""
    tell = listener.remark if listener else None
    settings, basis = problem.settings, basis_of(problem, name)
    return starts.resolve(
        settings.proposals.seed_with, problem.feasible, basis, tell, storage=settings.placement.storage
    )


def resume(
    path: Path | str,
    *,
    given: Objects = NO_OBJECTS,
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    found: Sequence[Start] | None = None,
    retry_failed: bool = False,
    **changes: Any,
) -> Result:
    """Go on with a run where it stopped, however it stopped; what was finished is neither lost nor trained again.

    Args:
        path: the run's folder.
        given: the objects that the run began with, where it did.
        time_limit, on_plan, listener, found: as for :func:`begin`.
        retry_failed: train architectures once more whose training failed.
        changes: settings in place of the run's own, of those that :data:`CHANGEABLE` names: ``trials`` (the new total),
            ``device``, ``confirm``, ``engine`` and others, and where the ``dataset``, ``space`` or ``table`` is now;
            ``None`` and an empty text leave the run's own.

    Raises:
        SeesawError: it is not a run folder, its space or images have changed, or another process works on it.
        TypeError: a setting cannot be changed.
    """
    folder = RunFolder.open(Path(path), str(changes.get("storage") or ""))
    begun = folder.description
    if begun.get("kind") != KIND:
        raise RunError(
            f"{folder.path} is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --resume`"
        )
    settings = SearchSettings.from_dict(begun.get("settings", {}))
    if url := url_of(folder):
        changes = changes | {"storage": url}
    settings = apply_changes(settings, changes)
    if not changes.get("cache_dir"):
        places.check_copies(settings, str(folder.path))
    if settings.placement.engine == "ray" and not changes.get("ray_address"):
        check_cluster(settings.placement.ray_address, str(folder.path))
    if missing := [what for what in begun.get("given", []) if what not in given.names]:
        raise RunError(
            f"{folder.path} began with objects of a program; pass the same to `api.resume`, in `given`: "
            f"{', '.join(missing)}"
        )
    read_timings(folder)  # a damaged file is told before any training
    confirmation.read(folder.confirmed)
    problem = restore_problem(settings, given, begun, str(folder.path), listener)
    how = choose_method(problem)
    named = partial(_starts, problem, str(folder.path), listener)
    find = named if found is None else lambda: list(found)
    with engines.connect_engine(settings, problem.device) as engine:
        folders.finish(folder, settings)
        return run(folder, problem, how, find, engine, time_limit, on_plan, listener, retry_failed)


def apply_changes(settings: SearchSettings, changes: Mapping[str, Any]) -> SearchSettings:
    if unknown := changes.keys() - set(CHANGEABLE):
        raise TypeError(f"a run goes on under its own {', '.join(sorted(unknown))}")
    wanted = {name: value for name, value in changes.items() if value not in (None, "")}
    if wanted.get("engine") == "serial":
        wanted = {"workers": 0} | wanted  # which has no use for those of the run's own engine
    return settings.replace(**wanted)


def restore_problem(
    settings: SearchSettings, given: Objects, begun: Mapping[str, Any], what: str, listener: Listener | None = None
) -> Problem:
    """The problem as it was when ``what`` began; the listener is told where the record does not say enough.

    Raises:
        RunError: what its figures are of has changed.
    """
    text = places.recorded_space(settings, begun)
    places.check(settings, what, given.names, text)
    problem = make_problem(settings, given, text)
    before, now = Basis.of(begun, f"{what} when it began"), basis_of(problem, "what is there now")
    differing = difference(before, now, allow=("space", "budget"))  # a budget may be a share of the space's costliest
    if before.space != now.space and not differing:
        raise RunError(f"the space '{problem.space.name}' has changed since {what} began; begin a new run")
    if differing := differing or difference(before, now):
        raise RunError(f"cannot go on with {what}: {differing}; begin a new run")
    notes = [unknown(before, now)]
    if given.evaluator is not None and (passed := name_of(given.evaluator)) != settings.scoring.evaluator:
        notes = [f"{what} began with evaluator {settings.scoring.evaluator} and goes on with {passed}", *notes]
    if listener and (text := "; ".join(filter(None, notes))):
        listener.remark(text)
    return settle_short(problem)


class Method(NamedTuple):
    """Which architecture next, and who is trained how far; ``live`` where a run is ranked by estimates."""

    strategy: Strategy
    halving: Halving
    live: Live | None


def choose_method(problem: Problem, seed: int | None = None) -> Method:
    """The method that the settings name."""
    settings = problem.settings
    accuracies = gives_accuracy(settings.scoring.evaluator)
    live = Live(problem.space, problem.budget, problem.evaluator.epochs) if accuracies else None
    halving = settings.halving(problem.evaluator.epochs)
    own = settings.training.seed if seed is None else seed
    setting = Setting(
        problem.feasible, own, settings.proposals.objectives, halving.levels, cheap_score(problem), accuracies, live
    )
    strategy = resolve(settings.proposals.strategy, problem.given.strategy, setting)
    return Method(strategy, halving, live if settings.ending.rank == ESTIMATE else None)


def run(
    folder: RunFolder,
    problem: Problem,
    method: Method,
    find_starts: Callable[[], list[Start]],
    engine: Engine,
    time_limit: float | None,
    on_plan: OnPlan | None,
    listener: Listener | None,
    retry_failed: bool = False,
) -> Result:
    """Carry a search out in its folder, or what is left of it.

    Args:
        find_starts: what it begins with, where that is not in its history yet.
        engine: where its trials are trained.
        time_limit, on_plan, listener: as for :func:`begin`.
        retry_failed: as for :func:`resume`.
    """
    settings, (strategy, halving, live) = problem.settings, method
    with (
        folder.hold(),
        open_history(folder, problem) as trial_history,
        write_events(folder, settings.placement.tensorboard, listener, trial_history.records) as told,
    ):
        if settings.steps.plan == "shared":
            if on_plan is not None:
                on_plan(problem, plan(problem, settings.proposals.trials, halving, engine.reserves))
            before = SharedPlan(folder, problem, listener, time_limit)
            find_starts = partial(before.starts, partial(_carry_out_step, problem, on_plan, listener))
        try:
            taken_over = starts.add_starts(trial_history, find_starts)
        except Unfinished as unfinished:
            return collect(folder, problem, str(unfinished), ())
        work = proposer.Proposer(
            trial_history,
            strategy,
            trials=settings.proposals.trials,
            taken_over=taken_over,
            epochs=problem.evaluator.epochs,
            halving=halving,
            checkpoints=folder.checkpoints,
            on_closed=told.ended if told else None,
            retry_failed=retry_failed,
            live=live,
            short=int(settings.proposals.short_epochs),
        )
        if settings.steps.plan == "shared":
            time_limit = before.left
        elif on_plan is not None:
            left = work.left
            on_plan(problem, plan(problem, left.whole, halving, engine.reserves, short=left.short))
        evaluator = problem.placed if settings.trains_here else problem.evaluator
        try:
            ended = engine.run(work, evaluator, folder.path, told, time_limit)
            result = collect(folder, problem, ended, trial_history.records())
            write_results(result)
        except KeyboardInterrupt:
            with signals.catch_signals():  # a terminal that is closed sends more than one
                write_results(collect(folder, problem, "interrupted", trial_history.records()))
            raise
        if settings.winners:
            result = replace(result, confirmed=results.confirm(result, listener))
            write_results(result)
        if settings.ending.latency and (timings := time_front(result, listener)) is not None:
            result = replace(result, timings=timings)
            write_results(result)
        return result


def _carry_out_step(
    problem: Problem,
    on_plan: OnPlan | None,
    listener: Listener | None,
    path: Path,
    settings: SearchSettings,
    found: Sequence[Start] | None,
    time_limit: float | None,
) -> tuple[str, Sequence[TrialRecord]]:
    """Begin or resume one step of a plan; return why it ended, and every proposal."""
    how: Any = {
        "given": problem.given,
        "time_limit": time_limit,
        "on_plan": on_plan,
        "listener": listener,
        "found": found,
    }
    if is_run(path):
        own = ("confirm", "confirm_seeds", "latency", "storage")  # no step has these
        changes = {name: value for name, value in settings.to_dict().items() if name in CHANGEABLE and name not in own}
        result = resume(path, **how, **changes)
    else:
        result = begin(settings, name=path.name, runs_dir=path.parent, space_file=problem.space_file, **how)
    return result.ended, result.trials
