"""What torchrun passes to the processes that it starts, read without importing torch."""

from __future__ import annotations

import os


def rank_and_world() -> tuple[int, int]:
    """Rank of this process and number of processes; (0, 1) without torchrun."""
    return (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])) if _is_started() else (0, 1)


def leads() -> bool:
    """Whether this process has rank 0, which alone prints and writes; true without torchrun."""
    return rank_and_world()[0] == 0


def processes_here() -> int:
    """Number of processes that torchrun started on this machine, this one included."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if _is_started() else 1


def _is_started() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ  # as torch.distributed.is_torchelastic_launched sees it
