"""Everything the command line does, as functions.

from seesaw_nas import api

result = api.search("seesaw-digits", "600K", "digits", trials=8)
result.best.architecture, result.front(), result.frame()
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core.names import derive_name
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.core.units import BudgetLike, write_budget
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.search import DEFAULT_STRATEGY, engines
from seesaw_nas.search.callbacks import Callbacks, Several
from seesaw_nas.search.configuration import read_settings
from seesaw_nas.search.history import shared
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Space
from seesaw_nas.training.options import TrainSettings
from seesaw_nas.workflows import folders, preparing, resuming, searches
from seesaw_nas.workflows.audit.audit import audit
from seesaw_nas.workflows.dashboard import dashboard, study
from seesaw_nas.workflows.deployment import evaluate, export, latency, predict
from seesaw_nas.workflows.notebook import SearchProgress, in_notebook
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects, name_of
from seesaw_nas.workflows.plan import Plan, plan
from seesaw_nas.workflows.problem import Problem, description, make_problem
from seesaw_nas.workflows.profiling import profile, write_networks
from seesaw_nas.workflows.reference import compare as reference
from seesaw_nas.workflows.report import draw_figure, report
from seesaw_nas.workflows.results import Result, write_results
from seesaw_nas.workflows.runs import runs
from seesaw_nas.workflows.searches import OnPlan, begin, resume
from seesaw_nas.workflows.show import show
from seesaw_nas.workflows.spaces import copy as write_space
from seesaw_nas.workflows.spaces import spaces
from seesaw_nas.workflows.status import read_status as status
from seesaw_nas.workflows.supernets import supernet
from seesaw_nas.workflows.tabulate import tabulate
from seesaw_nas.workflows.train import TrainResult, train
from seesaw_nas.workflows.tuner import Tuner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seesaw_nas.data import SearchData

__all__ = [
    "Callbacks",
    "LatencySettings",
    "Listener",
    "Objects",
    "Plan",
    "Problem",
    "ProfileSettings",
    "Result",
    "SearchProgress",
    "SearchSettings",
    "TrainResult",
    "TrainSettings",
    "Tuner",
    "audit",
    "begin",
    "dashboard",
    "draw_figure",
    "evaluate",
    "export",
    "join",
    "latency",
    "make_problem",
    "plan",
    "predict",
    "profile",
    "read_settings",
    "reference",
    "report",
    "resume",
    "runs",
    "search",
    "show",
    "spaces",
    "status",
    "study",
    "supernet",
    "tabulate",
    "train",
    "write_networks",
    "write_results",
    "write_space",
]


def search(
    space: str | Space = "",
    budget: BudgetLike = "",
    data: str | SearchData = "digits",
    *,
    strategy: Any = DEFAULT_STRATEGY,
    evaluator: Any = "trained",
    catch: type[Exception] | tuple[type[Exception], ...] = (),
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | Sequence[Listener] | None = None,
    **options: Any,
) -> Result:
    """Search a space under a budget; the words are those of the command line.

    Args:
        space: its name, its file, or a space; the one that fits the data when empty.
        budget: Multi-Adds for one image, such as 110M, 100M:110M or 60%, or several costs, such as ``110M macs, 256KB
            int8 memory``; or a whole number, a pair of numbers as a band, or a dictionary with one of these for each
            cost; the space's own when empty.
        data: a data set's name, a folder of images by class, or images that are loaded already.
        strategy: a name; or an Optuna sampler, a function that makes one from a seed (which a resumed search then asks
            the same), or an object with :class:`seesaw_nas.search.strategies.base.Strategy`'s method.
        evaluator: a name; or a function of (architecture, seed) that returns a number, more being better; or an object
            with :class:`seesaw_nas.evaluators.Evaluator`'s methods.
        catch: exceptions of the evaluator that cost one trial; others end the search.
        name, runs_dir, time_limit, on_plan: as for :func:`begin`.
        listener: told what happens, such as :class:`Callbacks`, or several; in a notebook a :class:`SearchProgress`
            if none.
        options: further options of :class:`SearchSettings`, such as ``trials``, ``epochs``, ``scheduler``, ``confirm``.

    Raises:
        SeesawError: the settings cannot be carried out, or the folder exists already.
    """
    given = Objects(
        space=space if isinstance(space, Space) else None,
        data=None if isinstance(data, str) else data,
        strategy=None if isinstance(strategy, str) else strategy,
        evaluator=None if isinstance(evaluator, str) else evaluator,
        catch=catch,
    )
    settings = SearchSettings.of(
        dataset=data if isinstance(data, str) else data.name,
        budget=write_budget(budget),
        space=space.name if isinstance(space, Space) else space,
        strategy=strategy if isinstance(strategy, str) else name_of(strategy),
        evaluator=evaluator if isinstance(evaluator, str) else name_of(evaluator),
        **options,
    )
    told = _listening(listener, settings.proposals.trials)
    return begin(
        settings, given=given, name=name, runs_dir=runs_dir, time_limit=time_limit, on_plan=on_plan, listener=told
    )


def _listening(listener: Listener | Sequence[Listener] | None, trials: int) -> Listener | None:
    """Whom a search tells: what the program names; the progress, in a notebook where it names none."""
    if listener is None:
        return SearchProgress(trials) if in_notebook() else None
    return listener if isinstance(listener, Listener) else Several(listener)


def join(
    name: str,
    storage: str,
    *,
    given: Objects = NO_OBJECTS,
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Result:
    """Work on a search that another process began in a database, from this machine or another.

    Args:
        name: of the search.
        storage: URL of the database.
        given: the objects that the run began with, where it did.
        runs_dir: where a folder of this process's own is made, with the files that a search writes.
        time_limit, on_plan, listener: as for :func:`begin`.
        changes: settings in place of the search's own, as for :func:`resume`.

    Raises:
        SeesawError: there is no such search, or it cannot be carried out here.
    """
    _, begun = shared.join(storage, name, read_only=True)
    settings = resuming.apply_changes(
        SearchSettings.from_dict(begun.get("settings", {})), changes | {"storage": storage}
    )
    problem = resuming.restore_problem(
        settings.replace(confirm=0, latency=False, seed_with=()), given, begun, f"search '{name}'", listener
    )
    own = os.getpid()
    # the other processes propose from the search's own seed
    method = preparing.choose_method(problem, seed=settings.training.seed + own)
    about = {"kind": searches.KIND, **description(problem), "study": name}
    with engines.connect_engine(settings, problem.device) as engine:
        mine = derive_name(name, platform.node(), own)
        folder = folders.make_first(Path(runs_dir), mine, lambda path: RunFolder.create(path, about))
        return searches.run(folder, problem, method, list, engine, time_limit, on_plan, listener)
