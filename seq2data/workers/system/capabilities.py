"""What worker processes need of the system, and what is used where it is missing.

    Unix sockets that carry descriptors, programs that are started with
    descriptors, signals, memory to map                      worker processes
      and `os.fork`, and /proc to see when that is safe        forked by a fork server
      else                                                     executed one by one
      and `os.memfd_create`                                    arrays cross in memory
      else                                                     in files without a name
    else                                                     one thread

What is asked is whether a name is there, and not what the system is called.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import Optional

from seq2data.workers.system.libc import libc

_FOR_PROCESSES = (
    *((socket, "AF_UNIX"), (socket, "CMSG_SPACE"), (socket, "SCM_RIGHTS")),
    *((signal, "SIGCHLD"), (signal, "SIGKILL"), (os, "set_blocking")),
)
THREADS = Path("/proc/self/task")
"""Lists all threads of this process, which must not fork while there are others."""

PASSES_CLOSED_DESCRIPTORS = sys.platform != "darwin"
"""True if the sender may close a descriptor before it was received.

On macOS the receiver gets a closed descriptor then (`man 2 sendmsg`).
"""

_warned: list[str] = []


def start_method() -> Optional[str]:
    """Returns how workers are started: `"fork"` by the fork server, or `"exec"`.

    None where there can be no worker processes. The environment variable
    SEQ2DATA_START_METHOD may ask for `"exec"` where both can be had.

    Raises:
        ValueError: It asks for something else.
    """
    method = os.environ.get("SEQ2DATA_START_METHOD", "fork")
    if method not in ("fork", "exec"):
        raise ValueError(
            f"SEQ2DATA_START_METHOD is `fork` or `exec`; received: {method!r}"
        )
    if _missing_for_processes():
        return None
    return "exec" if _missing_for_fork() else method


def _missing_for_processes() -> list[str]:
    missing = [
        f"`{module.__name__}.{name}`"
        for module, name in _FOR_PROCESSES
        if not hasattr(module, name)
    ]
    if importlib.util.find_spec("_posixsubprocess") is None:
        missing.append("`subprocess.Popen(pass_fds=...)`")
    if not _has_mmap():
        missing.append("a C library with `mmap`")
    return missing


def _has_mmap() -> bool:
    try:
        libc()
    except (AttributeError, OSError, TypeError):  # no `mmap`; no library; Windows
        return False
    return True


def _missing_for_fork() -> list[str]:
    missing = [] if hasattr(os, "fork") else ["`os.fork`"]
    if importlib.util.find_spec("fcntl") is None:
        missing.append("`fcntl`")
    if not THREADS.exists():
        missing.append(f"`{THREADS}`")
    return missing


def warn_of_shortcomings(stacklevel: int) -> None:
    """Warns once of what this system lacks, and of what is used instead."""
    text = _shortcomings()
    if text and not _warned:
        _warned.append(text)
        warnings.warn(text, RuntimeWarning, stacklevel)


def _shortcomings() -> str:
    missing = _missing_for_processes()
    if missing:
        return (
            "there can be no worker processes, for this system has no "
            f"{_listed(missing)}: batches are read in one thread of this process "
            "instead; `use_multiprocessing=False` reads them in as many as `workers` "
            "says, if your code may be run by several at once"
        )
    missing = _missing_for_fork()
    instead = []
    if missing and os.environ.get("SEQ2DATA_START_METHOD") != "exec":
        instead.append("each worker is started as a fresh interpreter")
    else:
        missing = []
    if not hasattr(os, "memfd_create"):
        missing.append("`os.memfd_create`")
        instead.append("arrays cross in temporary files")
    if not missing:
        return ""
    return f"this system has no {_listed(missing)}: {' and '.join(instead)}"


def _listed(missing: list[str]) -> str:
    *others, last = missing
    return f"{', '.join(others)} or {last}" if others else last
