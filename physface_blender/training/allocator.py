"""Keeps the C library from giving memory back to the system between training steps."""

import ctypes
import sys

# Parameters of mallopt(3), glibc.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
GIGABYTE = 1 << 30
LARGEST = (1 << 31) - 1


def keep_freed_memory() -> None:
    """Make large freed blocks be used again instead of being unmapped (glibc only; nothing elsewhere).

    A training step makes and frees hundreds of megabytes in blocks that glibc otherwise maps anew each time, page fault
    by page fault.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library than glibc
        return
    mallopt(M_MMAP_THRESHOLD, GIGABYTE)
    mallopt(M_TRIM_THRESHOLD, LARGEST)
    mallopt(M_TOP_PAD, GIGABYTE // 4)
