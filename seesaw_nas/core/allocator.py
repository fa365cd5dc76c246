"""glibc's allocator told to keep freed memory, so that an activation's pages are not faulted in anew every time."""

from __future__ import annotations

import ctypes
import resource
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
NEVER = 2**31 - 1  # bytes on top of the heap before any is given back


def keep_freed_memory() -> bool:
    """Keep what this process frees from now on, for its next allocations; whether the C library could be told.

    By default glibc maps every block above 32 MiB anew, and the kernel zeroes each page of it at first touch: a batch
    of activations then costs more in page faults than in arithmetic. The process holds on to its peak memory instead.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, such as musl
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, NEVER))


def return_freed_memory() -> bool:
    """Give what this process has freed so far back to the system, once; whether the C library could be told."""
    if not sys.platform.startswith("linux"):
        return False
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim is not None and bool(trim(0))


def minor_faults() -> int:
    """Pages that the kernel has given to this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
