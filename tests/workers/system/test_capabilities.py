"""What the system has decides how workers come to be, and one line says so."""

from __future__ import annotations

import os
import signal
import socket
import sys
import warnings
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seq2data.workers.child import worker as loop
from seq2data.workers.child.worker import Worker
from seq2data.workers.processes.worker_table import WorkerTable
from seq2data.workers.system import capabilities
from seq2data.workers.system.capabilities import start_method, warn_of_shortcomings
from seq2data.workers.wire.channel import Channel, pair
from seq2data.workers.wire.messages import Forked
from seq2data.workers.wire.recall import RecallReader


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQ2DATA_START_METHOD", raising=False)
    monkeypatch.setattr(capabilities, "_warned", [])


def told() -> list[str]:
    """The lines that a program reads."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            warn_of_shortcomings(1)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("method", ["fork", "exec"])
def test_environment_chooses_the_start_method(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2DATA_START_METHOD", method)
    assert start_method() == method
    assert told() == []


def test_unknown_start_method_is_refused_by_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEQ2DATA_START_METHOD", "spawn")
    with pytest.raises(ValueError, match=r"SEQ2DATA_START_METHOD.*'spawn'"):
        start_method()


@pytest.mark.parametrize("method", ["fork", None])
@pytest.mark.parametrize("missing", ["os.fork", "fcntl", "/proc"])
def test_nothing_forks_where_that_is_not_safe(
    method: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method:
        monkeypatch.setenv("SEQ2DATA_START_METHOD", method)
    if missing == "os.fork":
        monkeypatch.delattr(os, "fork")
    elif missing == "fcntl":
        monkeypatch.setitem(sys.modules, missing, None)  # type: ignore[arg-type]
    else:
        monkeypatch.setattr(capabilities, "THREADS", Path("/none/self/task"))
    assert start_method() == "exec"
    (line,) = told()
    assert missing.replace("proc", "none") in line
    assert "each worker is started as a fresh interpreter" in line


def test_nothing_is_said_of_what_the_user_has_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEQ2DATA_START_METHOD", "exec")
    monkeypatch.delattr(os, "fork")
    assert start_method() == "exec"
    assert told() == []


def test_missing_memory_files_are_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert start_method() == "fork"
    assert told() == [
        "this system has no `os.memfd_create`: arrays cross in temporary files"
    ]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        *((socket, "AF_UNIX"), (socket, "CMSG_SPACE"), (socket, "SCM_RIGHTS")),
        *((signal, "SIGCHLD"), (signal, "SIGKILL"), (os, "set_blocking")),
    ],
)
def test_threads_read_where_there_can_be_no_workers(
    owner: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(owner, name)
    assert start_method() is None
    (line,) = told()
    assert f"no `{owner.__name__}.{name}`: batches are read in one thread" in line


def test_threads_read_where_programs_get_no_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "_posixsubprocess", None)  # type: ignore[arg-type]
    assert start_method() is None


def test_sockets_have_room_where_the_system_gives_them_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    socketpair = socket.socketpair

    def small(*args: Any) -> Any:
        ends = socketpair(*args)
        for end in ends:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, 8192)
        return ends

    monkeypatch.setattr(socket, "socketpair", small)
    mine, theirs = pair()
    with closing(mine), theirs:
        theirs.setblocking(False)
        assert theirs.send(bytes(100_000)) == 100_000


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_worker_keeps_what_may_not_have_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "_MOST_ON_THE_WAY", 2)  # as on macOS
    mine, theirs = pair()
    recalls, writer = os.pipe()
    sent = deque(os.dup(writer) for _ in range(4))
    with closing(mine), closing(Channel(theirs)) as channel:
        worker = Worker(channel, None, RecallReader(recalls))
        for descriptor in sent:
            worker._close_arrived([descriptor])
    assert [is_open(descriptor) for descriptor in sent] == [False, False, True, True]
    for descriptor in (recalls, writer, *list(sent)[2:]):
        os.close(descriptor)


@pytest.mark.parametrize("is_made", [True, False])
def test_worker_s_end_stays_open_until_it_has_it(is_made: bool) -> None:
    from seq2data.workers.processes.event_loop import EventLoop
    from seq2data.workers.processes.worker_handle import WorkerHandle
    from seq2data.workers.transport.segments import SEGMENTS
    from seq2data.workers.wire.recall import RecallPipe

    table = WorkerTable(1, EventLoop(), lambda _: None, lambda _: None)
    channel, end = pair()
    recalls = RecallPipe()
    worker = WorkerHandle(0, channel, recalls, None, SEGMENTS, most_free=1)
    table.add(worker, end)
    assert end.fileno() != -1
    if is_made:
        table.start(Forked(0, os.getpid(), 0, -1))
        assert end.fileno() == -1
    table.dismiss(worker)
    assert end.fileno() == -1
