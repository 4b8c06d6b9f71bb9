"""What seq2data could leave behind in this process, and a check that it did not."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

# Long enough for a machine that does three other things at once.
_PATIENCE_S = 20.0
# As Linux has called them, and calls them since 6.9.
_SENTINELS = ("anon_inode:[pidfd]", "pidfd:")
# In the command line of each process that seq2data starts, and of its forks.
_OURS = b"seq2data.workers.child"


def assert_nothing_left(before: set[str]) -> None:
    """Fails if there is more now than `before`, and does not go away."""
    deadline = time.monotonic() + _PATIENCE_S
    left = ours() - before
    while left and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)  # teardown runs in another thread; this waits for its end
        left = ours() - before
    assert not left, sorted(left)


def ours() -> set[str]:
    """Processes, sockets, shared memory and threads that seq2data may have made."""
    return _children() | _sockets_and_memory() | _named_memory() | _reader_threads()


def processes_with(entry: str) -> set[int]:
    """Processes with this entry, `NAME=value`, in their environment; no zombies."""
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if entry.encode() in environment.read_bytes().split(b"\0"):
                found.add(int(environment.parent.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has just ended, or is not ours to look at
    return found


def processes_of_session(session: int) -> set[int]:
    """Processes of the session with this leader; no zombies."""
    return {
        pid
        for pid, (state, _, _, theirs) in _stats().items()
        if theirs == str(session) and state not in ("Z", "X")
    }


def children_of_seq2data(pid: int) -> list[int]:
    """Fork servers and workers among a process's children, and no other's.

    Another is multiprocessing's resource tracker, which must not be killed.
    """
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in path.read_text().split():
                if _OURS in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread or the child has just ended
    return found


def _stats() -> dict[int, list[str]]:
    """State, parent, group and session of every process, zombies included."""
    found = {}
    for name in os.listdir("/proc"):  # before and after each test: no `Path`
        if not name.isdecimal():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                stat = file.read()
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        found[int(name)] = stat.rpartition(b") ")[2].decode().split()[:4]
    return found


def _children() -> set[str]:
    """Descendants of this process, zombies included."""
    parents = {pid: int(parent) for pid, (_, parent, *_) in _stats().items()}
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return {f"process {pid}" for pid in found - {os.getpid()}}
        found |= more


def _sockets_and_memory() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = f"{os.readlink(link)} {os.stat(link).st_ino}"
        except FileNotFoundError:  # the listing's own descriptor, or just closed
            continue
        if target.startswith(("socket:", "/memfd:seq2data", "pipe:", *_SENTINELS)):
            found.add(target)
    return found


def _named_memory() -> set[str]:
    """Shared memory with a name that looks like ours."""
    return {f"/dev/shm/{name}" for name in os.listdir("/dev/shm") if "seq2data" in name}


def _reader_threads() -> set[str]:
    """Threads of ours, by the name that the kernel knows them by or Python's."""
    return {
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread.name.startswith("seq2data")
    }
