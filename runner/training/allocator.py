"""What the C library does with memory that a step has freed."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_TRIM_BYTES = 2**29
_MMAP_BYTES = (2**26, 2**25)
"""The second is the largest that older versions of glibc accept. Larger values are no faster, and
let the memory of a process grow from run to run."""


def keep_freed_memory() -> bool:
    """Let glibc keep what a step frees for the next one; return whether it does.

    By default it returns every large tensor to the system, and a third of the time of a step of
    convolutions on a CPU goes into page faults. Other C libraries, and what the environment says
    (``MALLOC_…``, ``GLIBC_TUNABLES``), are left alone.
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    if not any(mallopt(_M_MMAP_THRESHOLD, size) for size in _MMAP_BYTES):
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, _TRIM_BYTES))


def return_freed_memory() -> None:
    """Return to the system what the C library has kept, at the end of a run: glibc's only."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library
        return
    trim(0)
