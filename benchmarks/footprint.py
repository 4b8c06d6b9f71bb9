"""Counts what a program holds: processes, descriptors, threads, files, memory."""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
import time
import uuid
from pathlib import Path

from measure import Figures

COUNTED = ("processes", "descriptors", "threads", "shared_memory", "temporary_files")
_MARK = "SEQ2DATA_BENCH"
# In the command line of each process that seq2data starts, and of its forks.
_OWN = b"seq2data.workers.child"
_SETTLE_S = 5.0  # how long what was dropped may take to go


def mark_processes() -> None:
    """Marks the processes that are started from here on, to count them."""
    os.environ[_MARK] = uuid.uuid4().hex


def settled(before: Figures | None) -> Figures:
    """Counts, once what was dropped has had its time to go."""
    deadline = time.perf_counter() + _SETTLE_S
    while True:
        gc.collect()
        now = _footprint()
        grown = before is None or any(now[key] > before[key] for key in COUNTED)
        if not grown or time.perf_counter() > deadline:
            return now
        time.sleep(0.1)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, path.read_text().split())  # else the thread has ended
    return found


def own_children(pid: int) -> list[int]:
    """Fork servers and workers among a process's children; no resource tracker."""
    found = []
    for child in children(pid):
        with contextlib.suppress(OSError):  # it has just ended
            if _OWN in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
    return found


def _footprint() -> Figures:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "processes": _marked_processes(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "shared_memory": len(os.listdir("/dev/shm")),
        "temporary_files": len(os.listdir(tempfile.gettempdir())),
        "memory_mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    }


def _marked_processes() -> int:
    """Counts the processes that have this run's mark in their environment."""
    mark = f"{_MARK}={os.environ[_MARK]}".encode()
    count = 0
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            count += mark in entry.read_bytes()
    return count
