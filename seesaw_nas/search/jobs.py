"""A training to do, as a search hands it out, and what scores it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators import Evaluator, shortened


@dataclass(frozen=True, slots=True)
class Job:
    """A training to do.

    Attributes:
        number: of the trial.
        seed: of the training.
        until: the epoch to reach.
        checkpoint: the file to go on from and to leave; ``None`` where every trial is trained in one go.
        schedule: epochs of its schedule, where that is a shorter one than the recipe's; else 0.
    """

    number: int
    architecture: Architecture
    macs: int
    seed: int
    until: int
    checkpoint: Path | None = None
    schedule: int = 0


def by_schedule(evaluator: Evaluator, job: Job) -> Evaluator:
    """What scores a job: the evaluator, or for a short training the same by that schedule.

    Raises:
        OptionError: the evaluator has no such schedule, in a search that went on with another one.
    """
    if (found := shortened(evaluator, job.schedule)) is None:
        raise OptionError(
            f"trial {job.number} is a training by a schedule of {job.schedule} epochs, which the evaluator does not "
            "have; go on with the evaluator that the search began with"
        )
    return found
