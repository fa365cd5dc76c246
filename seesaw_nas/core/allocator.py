"""Settings of glibc's allocator: keep freed memory, so that pages of activations are not faulted in again each step."""

from __future__ import annotations

import resource
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
NEVER = 2**31 - 1  # bytes that must be free at the top of the heap before glibc returns any


def keep_freed_memory() -> bool:
    """Keep the memory that this process frees for its next allocations; returns whether the C library supports it.

    By default glibc maps every block above 32 MiB afresh, and the kernel zeroes each page at first touch: a batch of
    activations then costs more in page faults than in arithmetic. With this setting the process keeps its peak memory.
    """
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))


def return_freed_memory() -> bool:
    """Return the memory freed so far to the system, once; returns whether the C library supports it."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))


def minor_faults() -> int:
    """Minor page faults of this process so far: pages that the kernel provided without reading the disk."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
