"""What Optuna's samplers see where trials pause: not only the complete ones, but what all have reached.

Where trials are stopped early, few are complete. Then a sampler gets a study of its own, in memory, in which a trial's
top-1 is that at the highest epoch that enough of them have reached, and what it proposes begins a trial of the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from seesaw_nas.architecture import cost
from seesaw_nas.search import objectives
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.history import ILLEGAL, violations
from seesaw_nas.search.strategies.base import Observed, Setting
from seesaw_nas.space import encode, genes

if TYPE_CHECKING:
    from seesaw_nas.search.history.history import History


def ask(history: History, sampler: optuna.samplers.BaseSampler, found: Sequence[Observed], setting: Setting) -> int:
    """Begin a trial whose genes a sampler chooses that takes these trials for the complete ones; returns its number."""
    choices = genes(setting.feasible.space)
    distributions: dict[str, BaseDistribution] = {n: CategoricalDistribution(c) for n, c in choices.items()}
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(), sampler=sampler, directions=history.study.directions
    )
    study.add_trials([*_seen(found, setting, distributions), *_refused(history, setting, distributions)])
    chosen = study.ask(distributions).params
    history.study.sampler = _Chosen(chosen)
    return history.ask()


def _seen(found: Sequence[Observed], setting: Setting, distributions: dict[str, BaseDistribution]) -> list[FrozenTrial]:
    """The trials that can be compared, as complete ones of one generation."""
    values = len(objectives.directions(setting.objectives))
    return [
        create_trial(
            values=[entry.top1, float(objectives.amount(setting.cost, entry))][:values],
            params=dict(encode(setting.feasible.space, entry.architecture)),
            distributions=distributions,
            constraints=violations(entry.macs, setting.feasible.budget, entry.architecture),
            system_attrs={optuna_private.generation_key(): 0},
        )
        for entry in found
    ]


def _refused(history: History, setting: Setting, distributions: dict[str, BaseDistribution]) -> list[FrozenTrial]:
    """The proposals outside the budget or the space, each with how far it is."""
    return [
        create_trial(
            state=TrialState.PRUNED,
            params=dict(history.genotype(record.number)),
            distributions=distributions,
            constraints=(
                {ILLEGAL: 1.0}
                if record.architecture is None
                else violations(cost.macs(record.architecture), setting.feasible.budget, record.architecture)
            ),
        )
        for record in history.records()
        if record.state == "infeasible"
    ]


class _Chosen(optuna.samplers.BaseSampler):
    """Chooses what was chosen elsewhere."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._params[param_name]
