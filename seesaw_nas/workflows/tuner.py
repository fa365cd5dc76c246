"""Ask and tell: a search for programs that train in a loop of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import report, space
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.units import write_budget
from seesaw_nas.evaluators import Score
from seesaw_nas.search import DEFAULT_STRATEGY, halving, proposer, records
from seesaw_nas.search.history import history
from seesaw_nas.search.history import journal as journals
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.search.strategies.resolver import resolve
from seesaw_nas.space import Feasible, Space

if TYPE_CHECKING:
    from seesaw_nas.search.proposer import Job

UNLIMITED = 10**9  # trials
_ABOUT = "about"  # attribute of the study: what its trials have in common


def _check_same(study: Any, about: Mapping[str, Any], journal: str) -> None:
    """Note what a study of Optuna is about, or refuse to go on with one that is about something else."""
    before = study.user_attrs.get(_ABOUT)
    if before is None:
        study.set_user_attr(_ABOUT, dict(about))
    elif changed := [f"{name} {before[name]}, now {value}" for name, value in about.items() if before[name] != value]:
        raise RunError(f"{journal} was begun with {'; '.join(changed)}; name another journal")


class Tuner:
    """Proposes architectures within a budget, and learns what they scored.

        tuner = Tuner("seesaw-digits", "600K", strategy="evolution")
        while (job := tuner.ask()) is not None:
            tuner.tell(job, my_training(job.architecture, job.seed))
        tuner.front()

    Several jobs may be asked for before one is told.
    """

    def __init__(
        self,
        search_space: str | Space,
        budget: str | int = "",
        *,
        strategy: Any = DEFAULT_STRATEGY,
        objectives: str = "front",
        trials: int = UNLIMITED,
        epochs: int = 1,
        scheduler: str = "none",
        reduction: int = 3,
        min_epochs: int = 1,
        seed: int = 0,
        journal: Path | str | None = None,
    ) -> None:
        """Begin, or go on with what stands in ``journal``.

        Args:
            search_space: a name, a file, or a space.
            budget: as on the command line, or a whole number of Multi-Adds; the space's own when empty.
            strategy: a name; or what :func:`seesaw_nas.search.strategies.resolver.resolve` takes.
            objectives: ``front`` or ``top1``.
            trials: architectures after which :meth:`ask` has no more.
            epochs: of a whole training; with a scheduler, jobs say how many to reach.
            scheduler: ``none``, ``asha``, ``hyperband`` or ``moasha``.
            journal: file for the history, to resume from; in memory if omitted.

        Raises:
            SeesawError: one of these cannot be loaded; the text says which exist. Or another search wrote the journal.
        """
        if objectives not in journals.DIRECTIONS:
            raise OptionError(known("objectives", objectives, journals.DIRECTIONS))
        found = space.load(search_space) if isinstance(search_space, str) else search_space
        feasible = Feasible.of(found, write_budget(budget) or found.default_budget)
        rungs = halving.make(scheduler, epochs, reduction=reduction, minimum=min_epochs)
        study = journals.open_study(Path(journal) if journal else None, "tuner", objectives)
        about = {"space": found.name, "its digest": found.digest, "budget": str(feasible.budget)}
        _check_same(study, about | {"seed": seed, "epochs": epochs}, str(journal))
        self._history = history.History(study, found, feasible.budget, seed)
        setting = Setting(feasible, seed, objectives, rungs.levels)
        name, given = (strategy, None) if isinstance(strategy, str) else ("", strategy)
        self._proposer = proposer.Proposer(
            self._history, resolve(name, given, setting), trials=trials, epochs=epochs, halving=rungs
        )

    def ask(self) -> Job | None:
        """The next training to do; ``None`` when none is left, or none before another is told."""
        return self._proposer.ask()

    def tell(self, job: Job, score: float | Score) -> None:
        """Say what a training reached on validation images.

        Args:
            score: top-1 as a fraction, or any number of which more is better; a :class:`Score` with its curve where
                ``job.until`` is not the last epoch.

        Raises:
            OptionError: the score is no finite number, its curve is wanted and not there, or the job was told before.
        """
        self._check_open(job)
        score = score if isinstance(score, Score) else Score(float(score), "validation", 0.0)
        if not math.isfinite(score.top1):
            raise OptionError(f"a finite score is wanted, got {score.top1}; say `fail` where a training broke")
        if job.until < self._proposer.epochs and len(score.curve) < job.until:
            raise OptionError(f"a Score with the curve of {job.until} epochs is wanted, got {len(score.curve)} of them")
        self._proposer.tell(job, score)

    def fail(self, job: Job, reason: str) -> None:
        """Say that a training broke.

        Raises:
            OptionError: the job was told before.
        """
        self._check_open(job)
        self._proposer.fail(job, reason)

    def _check_open(self, job: Job) -> None:
        if (state := self._history[job.number].state) != "running":
            raise OptionError(f"the job of trial {job.number} was told before: it is {state}")

    @property
    def trials(self) -> list[TrialRecord]:
        """Every proposal, in order."""
        return self._history.records()

    @property
    def best(self) -> CompleteTrial | None:
        """The one with the highest top-1; ``None`` when none is complete."""
        return records.best(records.complete(self.trials))

    def front(self) -> list[CompleteTrial]:
        """Those that no other beats in both top-1 and Multi-Adds, the cheapest first."""
        return records.front(records.complete(self.trials))

    def frame(self) -> Any:
        """A pandas DataFrame, one row a proposal; see :func:`seesaw_nas.report.frame`."""
        return report.frame(self.trials)
