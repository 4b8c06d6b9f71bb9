"""Makes processes die with their parents, where the kernel can (`man 2 prctl`)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Optional

from seq2data.workers.system.libc import libc

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: Optional[int] = None) -> None:
    """Asks the kernel to kill this process when the thread that forked it ends.

    Args:
        parent: The parent's pid, in case it is dead already; None if it cannot be.
    """
    if sys.platform == "linux":
        libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # it died before we asked


def have_forks_die_too() -> None:
    """Makes processes that this one forks die with it.

    Such a fork is a copy of this process, with all that it holds. Forks of a fork live
    on, as daemons are made so. Forks of other threads live on, too, since the kernel
    would kill them when the thread ends. To be called in the main thread.
    """
    if not hasattr(os, "register_at_fork"):
        return
    if sys.platform == "linux":
        libc()  # loaded now: a fork beside other threads must not
    parent, main = os.getpid(), threading.current_thread()
    is_parent = True

    def follow() -> None:
        nonlocal is_parent
        if is_parent and threading.current_thread() is main:
            die_with_parent(parent)
        is_parent = False

    os.register_at_fork(after_in_child=follow)
