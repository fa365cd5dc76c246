"""What a search is after: ``front``, of top-1 and Multi-Adds; ``top1`` alone; or ``top1,COST``, a front against COST.

The one home of the cost that top-1 is set against.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, Protocol

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import BudgetError, OptionError
from seesaw_nas.search.aims import PREFIX, TOP1
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import costs
from seesaw_nas.space.costs import MACS, BlockTimes, Cost

KEPT = 2**16  # amounts that are remembered

Direction = Literal["minimize", "maximize"]


class _Priced(Protocol):
    """A trial with an architecture."""

    @property
    def architecture(self) -> Architecture: ...

    @property
    def macs(self) -> int: ...


def cost_of(objectives: str, profile: BlockTimes | None = None) -> Cost:
    """The cost that top-1 is set against: Multi-Adds, which for top-1 alone decide between equals, or another.

    Args:
        objectives: as :func:`seesaw_nas.search.aims.read` returns them.
        profile: the times by which an objective of latency is told.

    Raises:
        OptionError: it is latency, and there is no profile.
    """
    if not objectives.startswith(PREFIX):
        return MACS
    try:
        return costs.named(objectives.removeprefix(PREFIX), profile)
    except BudgetError:
        raise OptionError(
            f"--objectives {objectives} needs measured times: give --latency-profile FILE, which "
            f"`seesaw-nas profile SPACE` writes"
        ) from None


def is_front(objectives: str) -> bool:
    """Whether a front is sought, and not top-1 alone."""
    return objectives != TOP1


def directions(objectives: str) -> list[Direction]:
    """Which way each objective is better: top-1, and the cost of a front."""
    return ["maximize", "minimize"] if is_front(objectives) else ["maximize"]


def amount(cost: Cost, trial: _Priced) -> int:
    """What the architecture of a trial costs; Multi-Adds are known of each."""
    return trial.macs if cost == MACS else amount_of(cost, trial.architecture)


def amount_of_record(cost: Cost, record: TrialRecord) -> int | None:
    """What the architecture of a proposal costs; ``None`` where it has none."""
    if record.macs is None or record.architecture is None:
        return None
    return record.macs if cost == MACS else amount_of(cost, record.architecture)


@lru_cache(KEPT)
def amount_of(cost: Cost, architecture: Architecture) -> int:
    """What an architecture costs; remembered, since all trials are compared again with every new one."""
    return cost.of(architecture)
