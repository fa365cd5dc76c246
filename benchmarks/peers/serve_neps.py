"""NePS with its defaults, one worker."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import neps
from neps import algorithms
from serving import Setting, serve

FIDELITY = "epochs"


class Asked:
    """An algorithm of NePS behind its own ask and tell.

    NePS names a training that goes on ``NUMBER_rung_RUNG``; its epochs are one of the configuration's values.
    """

    def __init__(self, make: Callable, setting: Setting, *, objectives: int, halving: bool = False) -> None:
        self._genes, self._epochs, self._objectives = list(setting.choices), setting.epochs, objectives
        parameters: dict = {f"gene{i}": neps.Categorical(texts) for i, texts in enumerate(setting.choices.values())}
        if halving:
            parameters[FIDELITY] = neps.IntegerFidelity(1, setting.epochs)
        space = type("Space", (neps.PipelineSpace,), parameters)()
        self._choices = list(setting.choices.values())
        self._optimizer = neps.AskAndTell(make(space))
        self._asked = None

    def ask(self) -> dict:
        self._asked = trial = self._optimizer.ask()
        genotype = {gene: trial.config[f"gene{i}"] for i, gene in enumerate(self._genes)}
        number = int(trial.id.partition("_rung_")[0])
        return {"number": number, "genotype": genotype, "until": int(trial.config.get(FIDELITY, self._epochs))}

    def tell(self, number: int, until: int, error: float, share: float) -> None:
        self._optimizer.tell(self._asked, [error, share] if self._objectives == 2 else error)


def bo_top1(setting: Setting) -> Asked:
    return Asked(algorithms.bayesian_optimization, setting, objectives=1)


def asha_top1(setting: Setting) -> Asked:
    return Asked(algorithms.asha, setting, objectives=1, halving=True)


def moasha(setting: Setting) -> Asked:
    return Asked(algorithms.moasha, setting, objectives=2, halving=True)


if __name__ == "__main__":
    serve({"bo top1": bo_top1, "asha top1": asha_top1, "moasha": moasha}, version("neural-pipeline-search"))
