"""A search in its run folder: begin it, resume it, and run it to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core import names, signals
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.search import engines, proposer, starts
from seesaw_nas.search.history.addresses import check_cluster
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings
from seesaw_nas.workflows import confirmation, folders, places, results
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects
from seesaw_nas.workflows.plan import Plan, plan
from seesaw_nas.workflows.preparing import Method, choose_method, find_starts, prepare, tell_reading
from seesaw_nas.workflows.problem import Problem, description
from seesaw_nas.workflows.results import Result, collect, time_front, write_results
from seesaw_nas.workflows.resuming import restore_problem, settings_of
from seesaw_nas.workflows.run_reading import read_timings
from seesaw_nas.workflows.search_history import open_history
from seesaw_nas.workflows.shared_plan import SharedPlan, Unfinished
from seesaw_nas.workflows.watching import write_events

if TYPE_CHECKING:
    from seesaw_nas.search.engines import Engine
    from seesaw_nas.search.history.history import History
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
    problem = prepare(settings, given, space_file, listener)
    settings = settings.replace(short_epochs=problem.settings.proposals.short_epochs)
    how = choose_method(problem)
    about = {"kind": KIND, **description(problem)}
    of = problem.settings.training.dataset if problem.subject.name else problem.space.name
    wanted = name or folders.default_name(of, problem.budget)
    first = find_starts(problem, str(Path(runs_dir) / wanted), listener) if found is None else list(found)
    with engines.connect_engine(settings, problem.device) as engine:
        make = partial(folders.make, settings, about)
        folder = make(Path(runs_dir) / wanted) if name else folders.make_first(Path(runs_dir), wanted, make)
        return run(folder, problem, how, lambda: first, engine, time_limit, on_plan, listener)


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
    settings = settings_of(folder, changes)
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
    tell_reading(settings, given, listener)
    problem = restore_problem(settings, given, begun, str(folder.path), listener)
    how = choose_method(problem)
    named = partial(find_starts, problem, str(folder.path), listener)
    find = named if found is None else lambda: list(found)
    with engines.connect_engine(settings, problem.device) as engine:
        folders.finish(folder, settings)
        return run(folder, problem, how, find, engine, time_limit, on_plan, listener, retry_failed)


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
    settings, halving = problem.settings, method[1]
    with _open(folder, problem, listener) as (trial_history, told):
        estimate = partial(
            plan, problem, halving=halving, reserves=engine.reserves, listener=listener, time_limit=time_limit,
            trained=len(trial_history.complete), repeated=len(confirmation.read(folder.confirmed).repeats),
        )  # fmt: skip
        if settings.steps.plan == "shared":
            before = SharedPlan(folder, problem, listener, time_limit)
            if on_plan is not None:
                on_plan(problem, estimate(settings.proposals.trials, steps=before.to_come))
            find_starts = partial(before.starts, partial(_carry_out_step, problem, on_plan, listener))
        try:
            taken_over = starts.add_starts(trial_history, find_starts)
        except Unfinished as unfinished:
            return collect(folder, problem, str(unfinished), ())
        more = {"taken_over": taken_over, "retry_failed": retry_failed}
        work = _make_proposer(folder, problem, method, trial_history, told, **more)
        if settings.steps.plan == "shared":
            time_limit = before.left
        elif on_plan is not None:
            left = work.left
            on_plan(problem, estimate(left.whole, short=left.short))
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


@contextmanager
def _open(folder: RunFolder, problem: Problem, listener: Listener | None) -> Iterator[tuple[History, Listener | None]]:
    """The history of a run, which this process holds meanwhile, and who hears of it; the folder is told at once."""
    if listener is not None:
        listener.opened(folder.path)
    settings = problem.settings
    with (
        folder.hold(),
        open_history(folder, problem) as history,
        write_events(folder, settings.placement.tensorboard, listener, history.records) as told,
    ):
        folder.note_trials(settings.proposals.trials)
        yield history, told


def _make_proposer(
    folder: RunFolder, problem: Problem, method: Method, history: History, told: Listener | None, **more: Any
) -> proposer.Proposer:
    """What proposes the trials that are left; ``more`` is as for the proposer itself."""
    strategy, halving, live = method
    return proposer.Proposer(
        history,
        strategy,
        trials=problem.settings.proposals.trials,
        epochs=problem.evaluator.epochs,
        halving=halving,
        checkpoints=folder.checkpoints,
        on_closed=told.ended if told else None,
        live=live,
        short=int(problem.settings.proposals.short_epochs),
        **more,
    )


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
