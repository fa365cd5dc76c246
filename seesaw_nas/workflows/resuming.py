"""What a search goes on under when it is resumed: its own settings with what was changed, and the problem as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seesaw_nas.core import threads
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators import trains
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import difference, unknown
from seesaw_nas.search import engines
from seesaw_nas.search.history.with_optuna import url_of
from seesaw_nas.search.recorded import recorded_profile
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.workflows import places
from seesaw_nas.workflows.objects import Objects, name_of
from seesaw_nas.workflows.preparing import settle_short
from seesaw_nas.workflows.problem import Problem, basis_of, make_problem

if TYPE_CHECKING:
    from seesaw_nas.search.listener import Listener


def settings_of(folder: RunFolder, changes: Mapping[str, Any]) -> SearchSettings:
    """The settings that a search goes on under: its own, the trials that it was last raised to, and the changes."""
    begun = SearchSettings.from_dict(folder.description.get("settings", {}))
    settings = begun.replace(trials=folder.trials or begun.proposals.trials)
    if url := url_of(folder):
        changes = {**changes, "storage": url}
    return apply_changes(settings, changes)


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
    if given.profile is None:
        given = replace(given, profile=recorded_profile(begun))
    places.check(settings, what, given.names, text)
    problem = _under_recorded_budget(make_problem(settings, given, text), begun)
    before, now = Basis.of(begun, f"{what} when it began"), basis_of(problem, "what is there now")
    differing = difference(before, now, allow=("space", "budget"))  # a budget may be a share of the space's costliest
    if before.space != now.space and not differing:
        raise RunError(f"the space '{problem.space.name}' has changed since {what} began; begin a new run")
    if differing := differing or difference(before, now):
        raise RunError(f"cannot go on with {what}: {differing}; begin a new run")
    notes = [unknown(before, now)]
    if given.evaluator is not None and (passed := name_of(given.evaluator)) != settings.scoring.evaluator:
        notes = [f"{what} began with evaluator {settings.scoring.evaluator} and goes on with {passed}", *notes]
    lanes = engines.lanes(settings, problem.device)
    if trains(settings.scoring.evaluator) and listener and (changed := threads.change(begun, lanes.threads)):
        listener.remark(f"{what}: {changed}")
    if listener and (text := "; ".join(filter(None, notes))):
        listener.remark(text)
    return settle_short(problem)


def _under_recorded_budget(problem: Problem, begun: Mapping[str, Any]) -> Problem:
    """The problem under the budget that a run began with, where that was the space's own: it may be scaled since."""
    recorded, settings = begun.get("budget"), problem.settings
    if settings.searched.budget or begun.get("space_digest") != problem.space.digest:
        return problem
    if not isinstance(recorded, Mapping) or recorded.keys() != {"low", "high"}:
        return problem
    low, high = recorded["low"], recorded["high"]
    if type(low) is not int or type(high) is not int or (low, high) == (problem.budget.low, problem.budget.high):
        return problem
    written = f"{low}:{high}" if low else str(high)
    return replace(
        problem, settings=settings.replace(budget=written), feasible=Feasible(problem.space, Budget(low, high))
    )
