"""What torchrun tells the processes that it started, read without torch."""

from __future__ import annotations

import os


def place() -> tuple[int, int]:
    """Rank of this process and how many there are; (0, 1) without torchrun."""
    return (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])) if _is_started() else (0, 1)


def leads() -> bool:
    """Whether this process speaks for those that torchrun started; one alone does."""
    return place()[0] == 0


def processes_here() -> int:
    """Processes that torchrun started on this machine, this one included."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if _is_started() else 1


def _is_started() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ  # as torch.distributed.is_torchelastic_launched sees it
