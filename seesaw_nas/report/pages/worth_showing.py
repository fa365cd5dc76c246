"""When a figure of a run says something: the one home of these rules, each with what is lacking or an empty text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from seesaw_nas.report.run import Run
from seesaw_nas.search.estimates.held_out import LEAST
from seesaw_nas.search.estimates.model import FEW
from seesaw_nas.search.records import TrialRecord, complete, front

FEW_TRIALS = 8  # fewer are read faster in the table of the front
EFFECT_TRIALS = LEAST  # fewer tell no choice from the noise


def lack_of_progress(run: Run) -> str:
    """Why a search's progress shows nothing."""
    if lack := lack_of_trials(run, FEW_TRIALS):
        return lack
    done = complete(run.records)
    unchanged = front(done[: FEW_TRIALS // 2]) == front(done)
    return f"the front did not change after trial {done[FEW_TRIALS // 2 - 1].number}" if unchanged else ""


def lack_of_trials(run: Run, least: int) -> str:
    count = len(complete(run.records))
    return "" if count >= least else f"{least} trials with a result are wanted, got {count}"


def lack_of_estimates(run: Run) -> str:
    estimates = run.standing.estimates
    if estimates is None:
        return "nothing is estimated"
    return "" if len(estimates) >= FEW else estimates.reason


def lack_of_epochs(records: Sequence[TrialRecord]) -> str:
    """Of curves, which are points unless some trial was evaluated after several epochs."""
    most = max((sum(epoch.top1 is not None for epoch in record.curve) for record in records), default=0)
    if not most:
        return "no trial has an accuracy by epoch"
    return "" if most > 1 else "every trial was evaluated once"


def lack_of_workers(records: Sequence[TrialRecord]) -> str:
    """Of what ran when, which is one bar after the other where one worker had one trial at a time."""
    timed = sorted((record for record in records if record.started), key=lambda record: record.started)
    if not timed:
        return "no trial has a time of its beginning"
    if len({record.worker for record in timed}) > 1:
        return ""
    overlap = any(after.started < (before.ended or after.started) for before, after in pairwise(timed))
    return "" if overlap else "one worker trained one trial after the other"
