"""The search itself, one trial after another in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seesaw_nas import cost
from seesaw_nas.errors import SpecError, TrainingFailed
from seesaw_nas.records import State, TrialRecord
from seesaw_nas.search.history import History
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.strategies.base import Exhausted, Strategy
from seesaw_nas.space import decode
from seesaw_nas.spec import Architecture

if TYPE_CHECKING:
    import optuna

    from seesaw_nas.evaluate import Evaluator

MAX_ATTEMPTS = 2  # at training one trial: what killed the process once may do so again
MAX_FAILURES = 5  # trials in a row; then something is wrong with all of them


def trial_seed(seed: int, number: int) -> int:
    """The seed of one trial's training, from the search's seed and the trial's number alone."""
    return int(np.random.SeedSequence([seed, number, 1]).generate_state(1)[0] >> 1)


class Search:
    """Proposes, trains and records until it has trained enough, or something else ends it."""

    def __init__(
        self, history: History, strategy: Strategy, evaluator: Evaluator, seed: int, listener: Listener | None = None
    ) -> None:
        self._history = history
        self._strategy = strategy
        self._evaluator = evaluator
        self._seed = seed
        self._listener = listener or Listener()
        self._known = {r.digest: r for r in history.records() if r.state in ("complete", "failed")}
        self._failed_in_a_row = 0

    def run(self, trials: int, time_limit: float | None = None, clock: Callable[[], float] = time.monotonic) -> str:
        """Train until ``trials`` are trained in the whole history; returns what ended it.

        Args:
            trials: complete and failed ones count; proposals that were not trained do not.
            time_limit: seconds from now after which no further trial begins.
            clock: what measures them.
        """
        end = clock() + time_limit if time_limit is not None else float("inf")
        left_over = self._left_over()
        while len(self._known) < trials:
            if clock() >= end:
                return "the time limit is reached"
            try:
                trial = left_over.pop(0) if left_over else self._strategy.propose(self._history, self._taken)
            except Exhausted:
                return "every architecture that fits the budget has been proposed"
            self._close(trial)
            if self._failed_in_a_row >= MAX_FAILURES:
                return f"the last {MAX_FAILURES} trials failed"
        return f"the wanted number of trials, {trials}, is reached"

    @property
    def trained(self) -> int:
        """Architectures trained so far, the failed ones among them."""
        return len(self._known)

    @property
    def _taken(self) -> frozenset[str]:
        return frozenset(self._known)

    def _left_over(self) -> list[optuna.Trial]:
        """The trials that a killed process left to do; where it had noted the result, the trial is told at once."""
        left = []
        for trial in self._history.pending():
            record = self._history.record(trial)
            if record is None or record.state == "running":
                left.append(trial)
            else:
                self._history.tell(trial, record)
                self._count(record)
        return left

    def _close(self, trial: optuna.Trial) -> None:
        """Bring one begun trial to its end."""
        record = self._outcome(trial)
        self._history.finish(trial, record)
        self._count(record)

    def _count(self, record: TrialRecord) -> None:
        if record.state in ("complete", "failed"):
            self._known[record.digest] = record
            self._failed_in_a_row = self._failed_in_a_row + 1 if record.state == "failed" else 0
        self._listener.ended(record)

    def _opened(self, trial: optuna.Trial) -> TrialRecord:
        """The record of a trial as far as its genes tell; ``infeasible`` where no architecture in budget has them."""
        seed = trial_seed(self._seed, trial.number)
        open_record = TrialRecord(trial.number, "running", seed=seed)
        try:
            architecture = decode(self._history.space, trial.params)
        except SpecError as error:
            return replace(open_record, state="infeasible", reason=str(error))
        macs = cost.macs(architecture)
        record = replace(open_record, architecture=architecture, macs=macs, params=cost.params(architecture))
        if macs not in self._history.budget:
            record = replace(record, state="infeasible", reason=f"{macs:,} Multi-Adds are outside the budget")
        return record

    def _outcome(self, trial: optuna.Trial) -> TrialRecord:
        record = self._opened(trial)
        self._history.begin(trial, record)
        if record.state == "infeasible" or record.architecture is None:
            return record
        if (earlier := self._known.get(record.digest)) is not None:
            state: State = "duplicate" if earlier.state == "complete" else "infeasible"
            return replace(
                record, state=state, top1=earlier.top1, reason=f"same architecture as trial {earlier.number}"
            )
        if self._history.attempts(trial) > MAX_ATTEMPTS:
            return replace(record, state="failed", reason=f"the process ended {MAX_ATTEMPTS} times while training it")
        try:
            return self._trained(record, record.architecture)
        except KeyboardInterrupt:
            self._history.excuse(trial)
            raise

    def _trained(self, record: TrialRecord, architecture: Architecture) -> TrialRecord:
        self._listener.begun(record.number, architecture, record.macs or 0)
        started = time.monotonic()
        try:
            score = self._evaluator.evaluate(
                architecture, seed=record.seed, on_epoch=self._listener.epoch, on_step=self._listener.step
            )
        except TrainingFailed as failure:
            return replace(record, state="failed", reason=str(failure), seconds=time.monotonic() - started)
        return replace(
            record, state="complete", top1=score.top1, split=score.split, seconds=score.seconds, curve=score.curve
        )
