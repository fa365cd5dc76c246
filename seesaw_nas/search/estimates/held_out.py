"""How good the predictions of the estimates are: trials of a run held out in turn, and predicted from the others.

Trials of one architecture are held out together, so that none is predicted by a repeat of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.estimates.signals import TOLD
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete

FOLDS = 5
LEAST = 20  # complete trials, below which a share of them says nothing
MOST = 300  # trials that are used, so that it takes no longer for thousands
MOST_COMPLETE = 200  # of them


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Trials that were held out, by number.

    Attributes:
        trials: that were predicted.
        mean, sd: of the top-1 that one seed was predicted to give, fractions: (trials,).
        complete: trials that could be held out.
        used: trials that were held out or learnt from.
        usable: trials that there were to use.
    """

    trials: tuple[CompleteTrial, ...]
    mean: Array
    sd: Array
    complete: int
    used: int
    usable: int

    @property
    def observed(self) -> Array:
        """Top-1: (trials,)."""
        return np.array([trial.top1 for trial in self.trials])

    def inside(self, chance: float) -> int:
        """How many trials lie within the central interval of this chance."""
        return int((np.abs(self.observed - self.mean) <= half_width(chance) * self.sd).sum())


def half_width(chance: float) -> float:
    """Standard deviations to either side of the mean that hold a normal value with this chance."""
    return NormalDist().inv_cdf((1 + chance) / 2)


def predict_held_out(estimates: Estimates, records: Sequence[TrialRecord]) -> HeldOut:
    """Complete trials by estimates that know all other architectures alone, in :data:`FOLDS` parts; none of too few.

    Args:
        estimates: of the run; they are not changed.
        records: the run's trials. Of more than :data:`MOST` some are used, spread evenly, complete ones first.
    """
    usable = [record for record in records if record.state in TOLD and record.architecture is not None]
    used = _some(usable)
    done = complete(used)
    if len(done) < LEAST:
        return HeldOut((), np.zeros(0), np.zeros(0), len(done), len(used), len(usable))
    digests = {digest: i for i, digest in enumerate(dict.fromkeys(trial.digest for trial in done))}
    found: dict[int, tuple[float, float]] = {}
    for fold in range(FOLDS):
        out = {digest for digest, i in digests.items() if i % FOLDS == fold}
        learner = estimates.without_trials()
        for record in used:
            if record.digest not in out:
                learner.tell(record)
        held = [trial for trial in done if trial.digest in out]
        if held and len(learner):
            worth = learner.of([trial.architecture for trial in held])
            sds = np.hypot(worth.sd, worth.noise)
            pairs = zip(worth.mean.tolist(), sds.tolist(), strict=True)
            found |= {trial.number: pair for trial, pair in zip(held, pairs, strict=True)}
    trials = tuple(trial for trial in done if trial.number in found)
    mean, sd = (np.array([found[trial.number][i] for trial in trials]) for i in (0, 1))
    return HeldOut(trials, mean, sd, len(done), len(used), len(usable))


def _some(usable: Sequence[TrialRecord]) -> list[TrialRecord]:
    if len(usable) <= MOST:
        return list(usable)
    done = _spread([record for record in usable if record.state == "complete"], MOST_COMPLETE)
    others = _spread([record for record in usable if record.state != "complete"], MOST - len(done))
    return sorted([*done, *others], key=lambda record: record.number)


def _spread(records: Sequence[TrialRecord], most: int) -> list[TrialRecord]:
    places = np.linspace(0, len(records) - 1, min(most, len(records))).round().astype(int)
    return [records[i] for i in places.tolist()]
