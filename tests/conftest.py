"""Fixtures of all tests: readers of every kind, and nothing left behind by any test."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MODES = {
    "inline": {"workers": 0},
    "threads": {"workers": 2, "use_multiprocessing": False},
    "forked": {"workers": 2},
    "executed": {"workers": 2},
}

# Long enough for a machine that does three other things at once.
_PATIENCE_S = 20.0


@pytest.fixture(params=list(MODES))
def mode(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """Keyword arguments of `to_dataset`, once for each way of reading."""
    if request.param == "executed":
        monkeypatch.setenv("SEQ2DATA_START_METHOD", "exec")
    return dict(MODES[request.param])


@pytest.fixture(params=["fork", "exec"])
def start_method(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Both ways in which worker processes come to be."""
    monkeypatch.setenv("SEQ2DATA_START_METHOD", request.param)
    return str(request.param)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fails a test that leaves a process, a thread, a descriptor or shared memory.

    TensorFlow's own threads and descriptors come with its first use and stay; a test
    that is the first to use it would be blamed for them, so only ours count: threads by
    name, descriptors by what they are.
    """
    before = _ours()
    yield
    deadline = time.monotonic() + _PATIENCE_S
    left = _ours() - before
    while left and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)  # teardown runs in another thread; this waits for its end
        left = _ours() - before
    assert not left


def _ours() -> set[str]:
    return _children() | _sockets_and_memory() | _named_memory() | _reader_threads()


def _children() -> set[str]:
    """Descendants of this process, zombies included."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" (", 1)
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
        parents[int(pid)] = int(rest.rpartition(") ")[2].split()[1])
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
        if target.startswith(("socket:", "/memfd:seq2data", "pipe:")):
            found.add(target)
    return found


def _named_memory() -> set[str]:
    """Shared memory with a name that looks like ours."""
    return {f"/dev/shm/{name}" for name in os.listdir("/dev/shm") if "seq2data" in name}


def _reader_threads() -> set[str]:
    """Threads of ours, by the name that the kernel knows them by or Python's."""
    import threading

    return {
        f"thread {thread.name}"
        for thread in threading.enumerate()
        if thread.name.startswith("seq2data")
    }
