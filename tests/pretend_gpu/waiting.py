"""Places where the host waits for the device: counted, warned of in torch's debug mode, refused in a recording."""

from __future__ import annotations

import warnings

from pretend_gpu import log

MODES = ("default", "warn", "error")  # of torch.cuda.set_sync_debug_mode
_mode = ["default"]
recordings: list[object] = []  # the CUDA graph that is being recorded, if one is


class CudaError(RuntimeError):
    """What CUDA refuses."""


def wait(what: str, debugged: bool = True) -> None:
    """The host waits here.

    Args:
        debugged: whether torch's debug mode knows of it; ``torch.cuda.synchronize`` it leaves alone.

    Raises:
        CudaError: a graph is being recorded.
    """
    log.record("waits", what)
    if recordings:
        raise CudaError(f"CUDA error: operation not permitted when stream is capturing ({what} at {log.site()})")
    if debugged and _mode[0] == "warn":
        warnings.warn(f"called a synchronizing CUDA operation ({what})", stacklevel=3)
    if debugged and _mode[0] == "error":
        raise CudaError(f"called a synchronizing CUDA operation ({what} at {log.site()})")


def set_debug_mode(mode: int | str) -> None:
    """As ``torch.cuda.set_sync_debug_mode``."""
    _mode[0] = mode if isinstance(mode, str) else MODES[mode]


def get_debug_mode() -> int:
    """As ``torch.cuda.get_sync_debug_mode``."""
    return MODES.index(_mode[0])
