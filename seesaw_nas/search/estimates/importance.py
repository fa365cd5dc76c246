"""How important each gene was for top-1, by Optuna's evaluators."""

from __future__ import annotations

from collections.abc import Sequence

from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.search.history.lines import Genotypes
from seesaw_nas.search.records import TrialRecord, complete

METHODS = ("ped-anova", "fanova")
LEAST_TRIALS = 10
BEST = 5  # trials at least that PED-ANOVA holds against all, as Optuna advises


def importances(
    records: Sequence[TrialRecord], genotypes: Genotypes, *, method: str = "ped-anova", seed: int = 0
) -> dict[str, float]:
    """The share of each gene in what top-1 came to, the greatest first.

    They add up to 1. ``ped-anova`` tells by how much the choices of the best tenth of the trained trials differ from
    those of all, and is fast; ``fanova`` explains the whole range of top-1 by a random forest. Empty with fewer than
    ``LEAST_TRIALS`` trained trials, or where none of the genes tells anything.

    Args:
        records, genotypes: of a run, by :func:`seesaw_nas.search.history.places.read_with_genotypes`.
        seed: of the forest.

    Raises:
        OptionError: there is no such method.

    Source: Watanabe, Bansal and Hutter 2023, arXiv:2304.10255; Hutter, Hoos and Leyton-Brown 2014, PMLR 32.
    """
    if method not in METHODS:
        raise OptionError(known("method of importance", method, METHODS))
    done = [trial for trial in complete(records) if trial.number in genotypes.chosen]
    if len(done) < LEAST_TRIALS or len({trial.top1 for trial in done}) < 2:
        return {}
    import optuna  # with scikit-learn: a third of the time that a report takes which shows no importances
    from optuna.importance import BaseImportanceEvaluator, FanovaImportanceEvaluator, PedAnovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    own: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(values) for name, values in genotypes.choices.items()
    }
    study.add_trials(
        optuna.trial.create_trial(value=trial.top1, params=genotypes[trial.number], distributions=own) for trial in done
    )
    evaluator: BaseImportanceEvaluator = FanovaImportanceEvaluator(seed=seed)
    if method == "ped-anova":
        evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, BEST / len(done)))
    found = evaluator.evaluate(study)
    whole = sum(found.values())
    return {name: float(value / whole) for name, value in sorted(found.items(), key=_greatest_first)} if whole else {}


def _greatest_first(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
