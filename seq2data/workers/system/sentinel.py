"""The death of a process, seen by the process itself and not by what it held open.

A child that user code has left behind holds the sockets and pipes of its dead parent,
so their end of file does not come. The kernel's pidfd tells of the process alone (`man
2 pidfd_open`, Linux 5.3). As in `multiprocessing`, such a descriptor is called a
sentinel.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Optional


def open_sentinel(pid: int) -> Optional[int]:
    """A descriptor that is readable once a process has ended; belongs to the caller.

    Args:
        pid: Of a process that nobody has waited for yet, so that the number is its own.

    Returns:
        None where the kernel, or what confines this process, has no such thing.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # also: no descriptor is left
        return None


def close_sentinel(sentinel: Optional[int]) -> None:
    """Releases what `open_sentinel` gave."""
    if sentinel is not None:
        os.close(sentinel)


def kill(pid: int, sentinel: Optional[int]) -> None:
    """Kills a process, and no other that has its number since."""
    with contextlib.suppress(ProcessLookupError):
        if sentinel is not None and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(sentinel, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
