"""Has processes die with who made them, where the kernel does that (`man 2 prctl`)."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import sys
import threading
from typing import Optional

_PR_SET_PDEATHSIG = 1


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def die_with_parent(parent: Optional[int] = None) -> None:
    """Asks the kernel to kill this process when the thread that made it ends.

    Args:
        parent: Who has made it, in case that one is dead already.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # it died before we asked


def have_forks_die_too() -> None:
    """Has what this process forks die with it.

    Such a fork is a copy of it, with all that it holds. Not so what a fork of it forks,
    as daemons are made; nor what another thread forks, for the kernel would kill that
    with the thread. The caller is the main thread.
    """
    if not hasattr(os, "register_at_fork"):
        return
    if sys.platform == "linux":
        _libc()  # a fork beside other threads had better not load it
    maker, main = os.getpid(), threading.current_thread()
    is_maker = True

    def follow() -> None:
        nonlocal is_maker
        if is_maker and threading.current_thread() is main:
            die_with_parent(maker)
        is_maker = False

    os.register_at_fork(after_in_child=follow)
