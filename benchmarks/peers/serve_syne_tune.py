"""Syne Tune with its defaults, one worker."""

from __future__ import annotations

import datetime

import syne_tune
from serving import OBJECTIVES, Setting, serve
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice
from syne_tune.optimizer.baselines import ASHA, CQR, EHVI, BOTorch
from syne_tune.optimizer.schedulers.ask_tell_scheduler import AskTellScheduler
from syne_tune.optimizer.schedulers.multiobjective import MultiObjectiveRegularizedEvolution
from syne_tune.optimizer.schedulers.single_fidelity_scheduler import SingleFidelityScheduler


def config_space(setting: Setting) -> dict:
    return {gene: choice(texts) for gene, texts in setting.choices.items()}


class Whole:
    """An algorithm that trains every network to the end."""

    def __init__(self, scheduler: object, epochs: int) -> None:
        self._scheduler, self._epochs = AskTellScheduler(scheduler), epochs
        self._trials: dict[int, Trial] = {}

    def ask(self) -> dict:
        trial = self._scheduler.ask()
        self._trials[trial.trial_id] = trial
        return {"number": trial.trial_id, "genotype": trial.config, "until": self._epochs}

    def tell(self, number: int, until: int, error: float, share: float) -> None:
        self._scheduler.tell(self._trials.pop(number), {"error": error, "share": share})


class Stopping:
    """Successive halving that stops: a trial reports after each epoch, and goes on or not."""

    def __init__(self, scheduler: ASHA) -> None:
        self._scheduler, self._count = scheduler, 0
        self._running: tuple[Trial, int] | None = None  # with the epoch that comes

    def ask(self) -> dict:
        if self._running is None:
            suggestion = self._scheduler.suggest()
            trial = Trial(self._count, suggestion.config, datetime.datetime.now())
            self._count += 1
            self._scheduler.on_trial_add(trial)
            self._running = trial, 1
        trial, until = self._running
        return {"number": trial.trial_id, "genotype": trial.config, "until": until}

    def tell(self, number: int, until: int, error: float, share: float) -> None:
        trial, _ = self._running
        decision = self._scheduler.on_trial_result(trial, {"error": error, "epoch": until})
        goes_on = decision == "CONTINUE"
        if not goes_on:
            self._scheduler.on_trial_remove(trial)
        self._running = (trial, until + 1) if goes_on else None


def botorch(setting: Setting) -> Whole:
    return Whole(BOTorch(config_space(setting), metric="error", random_seed=setting.seed), setting.epochs)


def cqr(setting: Setting) -> Whole:
    return Whole(CQR(config_space(setting), metric="error", random_seed=setting.seed), setting.epochs)


def ehvi(setting: Setting) -> Whole:
    return Whole(EHVI(config_space(setting), metrics=list(OBJECTIVES), random_seed=setting.seed), setting.epochs)


def morea(setting: Setting) -> Whole:
    """``baselines`` has no scheduler for it; the searcher is given to the general one."""
    space = config_space(setting)
    searcher = MultiObjectiveRegularizedEvolution(space, random_seed=setting.seed)
    scheduler = SingleFidelityScheduler(space, list(OBJECTIVES), searcher=searcher, random_seed=setting.seed)
    return Whole(scheduler, setting.epochs)


def asha(setting: Setting) -> Stopping:
    scheduler = ASHA(
        config_space(setting), metric="error", time_attr="epoch", max_t=setting.epochs, random_seed=setting.seed
    )
    return Stopping(scheduler)


if __name__ == "__main__":
    algorithms = {"botorch top1": botorch, "cqr top1": cqr, "asha top1": asha, "ehvi": ehvi, "morea": morea}
    serve(algorithms, syne_tune.__version__)
