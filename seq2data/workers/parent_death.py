"""Has processes die with who made them, where the kernel does that (`man 2 prctl`)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from typing import Optional

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: Optional[int] = None) -> None:
    """Asks the kernel to kill this process when the thread that made it ends.

    Args:
        parent: Who has made it, in case that one is dead already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # it died before we asked


def have_forks_die_too() -> None:
    """Has what this process forks die with it.

    Such a fork is a copy of it, with all that it holds. Not so what a fork of it forks,
    as daemons are made; nor what another thread forks, for the kernel would kill that
    with the thread.
    """
    if not hasattr(os, "register_at_fork"):
        return
    maker = os.getpid()
    is_ours = False

    def note_thread() -> None:
        nonlocal is_ours
        is_ours = threading.get_native_id() == maker  # its main thread's

    def follow() -> None:
        if is_ours:
            die_with_parent(maker)

    os.register_at_fork(before=note_thread, after_in_child=follow)
