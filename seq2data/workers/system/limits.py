"""Finds the limit of this process that an error comes from, and what is needed.

ulimit -n   open files             EMFILE
ulimit -u   processes and threads  EAGAIN
ulimit -v   address space          ENOMEM
ulimit -f   size of a file         EFBIG, for memory without a name, too
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from seq2data.errors import WorkerCrashError

_PROC = Path("/proc")
_PIDS = Path("/sys/fs/cgroup")
# Of the fork server and of the dispatcher, and of each worker at its start.
_FILES_OF_POOL = 12
_FILES_OF_WORKER = 6
_RAISE = "raise it"
_RAISE_OR_FEWER = "raise it, or pass fewer `workers`"
# A tracer of the program's may end a thread before its first line.
_LOOK_S = 0.1
# What the system gives a thread.
_STACK_BYTES = 8 << 20
# Threads that the program has made smaller have no room for the pickle of a source.
_LEAST_STACK_BYTES = 1 << 20


class _Limit(NamedTuple):
    """A limit; `used` returns how much of it is used, and takes the limit itself."""

    name: str
    command: str
    unit: str
    advice: str
    used: Callable[[int], int]


_LIMITS = {
    errno.EMFILE: _Limit(
        "RLIMIT_NOFILE", "ulimit -n", "open files", _RAISE_OR_FEWER, lambda at: at
    ),
    errno.EAGAIN: _Limit(
        "RLIMIT_NPROC",
        "ulimit -u",
        "processes and threads of this user",
        _RAISE_OR_FEWER,
        lambda _: _threads_of_user(),
    ),
    errno.ENOMEM: _Limit(
        "RLIMIT_AS",
        "ulimit -v",
        "bytes of address space",
        _RAISE,
        lambda _: _address_space(),
    ),
    errno.EFBIG: _Limit(
        "RLIMIT_FSIZE", "ulimit -f", "bytes in a file", _RAISE, lambda _: 0
    ),
}


def reached(number: Optional[int], more: int) -> str:
    """Returns the end of a message: the limit, and the figure that is needed.

    Args:
        number: Of the error.
        more: How much is needed beside what is there.

    Returns:
        "" where the error comes from no limit of this process.
    """
    limit = _LIMITS.get(number or 0)
    if limit is None:
        return ""
    most = _most(limit.name)
    needed = more + (0 if most is None else limit.used(most))
    if most is not None and needed > most:
        return (
            f"; `{limit.command}` allows {most:,} {limit.unit}, and {needed:,} are "
            f"needed: {limit.advice}"
        )
    return _of_cgroup(more) if number == errno.EAGAIN else ""


def of_pool(error: OSError, workers: int) -> str:
    """Returns the message for an error at the start of so many workers."""
    more = workers + 1
    if error.errno == errno.EMFILE:
        more = _FILES_OF_POOL + _FILES_OF_WORKER * workers
    return f"{error}{reached(error.errno, more)}"


def start_thread(
    thread: threading.Thread, began: threading.Event, workers: int
) -> None:
    """Starts a thread with a stack that is large enough, whatever the program has set.

    Args:
        thread: The thread.
        began: An event that the thread sets first.
        workers: How many processes it will start.

    Raises:
        WorkerCrashError: The system refuses the thread, or the thread ends at once.
    """
    nbytes = threading.stack_size()
    if 0 < nbytes < _LEAST_STACK_BYTES:
        threading.stack_size(_LEAST_STACK_BYTES)
    try:
        thread.start()
    except RuntimeError as error:
        raise WorkerCrashError(
            f"the {thread.name} could not be started: {error}"
            + (
                reached(errno.EAGAIN, workers + 2)
                or reached(errno.ENOMEM, _STACK_BYTES)
            )
        ) from error
    finally:
        threading.stack_size(nbytes)
    while not began.wait(_LOOK_S):
        if not thread.is_alive():
            raise WorkerCrashError(
                f"the {thread.name} ended at once: a function given to "
                "`threading.settrace` or `threading.setprofile` raised in it"
            )


def _most(name: str) -> Optional[int]:
    """Returns the limit; None if there is none."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    most, _ = resource.getrlimit(getattr(resource, name))
    return None if most == resource.RLIM_INFINITY else most


def _threads_of_user() -> int:
    """Counts the user's processes and threads; 0 where they cannot be seen."""
    count = 0
    for status in _PROC.glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:  # it has just ended
            continue
        facts = dict(line.split(":", 1) for line in text.splitlines())
        # Not the file's owner, which is root after a program has become another user.
        if facts["Uid"].split()[0] == str(os.getuid()):
            count += int(facts["Threads"])
    return count


def _address_space() -> int:
    """Returns the bytes that this process uses; 0 where that cannot be seen."""
    try:
        pages = int((_PROC / "self/statm").read_text().split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _of_cgroup(more: int) -> str:
    try:
        most = int((_PIDS / "pids.max").read_text())
        needed = int((_PIDS / "pids.current").read_text()) + more
    except (OSError, ValueError):  # no cgroup here, or no limit
        return ""
    if needed <= most:
        return ""
    return (
        f"; the container allows {most:,} processes and threads (`pids.max`), and "
        f"{needed:,} are needed: raise it, or pass fewer `workers`"
    )
