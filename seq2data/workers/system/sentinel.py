"""Watches processes for their end, whatever they held open.

A child that user code has left behind holds the sockets and pipes of its dead parent,
so their end of file does not come. The kernel's pidfd (`man 2 pidfd_open`, Linux 5.3)
is readable when the process itself has ended. As in `multiprocessing`, such a
descriptor is called a sentinel.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Optional


def open_sentinel(pid: int) -> Optional[int]:
    """Opens a descriptor that is readable once a process has ended.

    Args:
        pid: The process, which was not waited for yet, so that the number is its own.

    Returns:
        The descriptor, which belongs to the caller. None where the kernel, or a sandbox
        around this process, has no such thing.
    """
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # also: no descriptor is left
        return None


def close_sentinel(sentinel: Optional[int]) -> None:
    """Closes what `open_sentinel` has returned."""
    if sentinel is not None:
        os.close(sentinel)


def kill(pid: int, sentinel: Optional[int]) -> None:
    """Kills a process, and no later one of the same number."""
    with contextlib.suppress(ProcessLookupError):
        if sentinel is not None and hasattr(signal, "pidfd_send_signal"):
            signal.pidfd_send_signal(sentinel, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
