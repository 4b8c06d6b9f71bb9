"""Deaths at moments that whole processes hit once in a million."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seq2data.errors import WorkerCrashError
from seq2data.workers.processes.dispatcher import Dispatcher
from seq2data.workers.processes.fork_server_handle import ForkServers
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.task import Task
from seq2data.workers.transport.segments import SEGMENTS
from seq2data.workers.wire.messages import Forked, Result
from seq2data.workers.wire.recall import RecallPipe

# Above the kernel's largest.
NO_PID = 1 << 23
ANSWER = Result((), 0.0)


def dispatcher_of(kind: type[Dispatcher] = Dispatcher) -> Dispatcher:
    return kind(
        *("Source", 1, 4, SEGMENTS), start_method="fork", before_send=lambda: None
    )


class DyingChannel:
    """Its worker has sent answers, then died: they arrive, and nothing can be sent."""

    def __init__(self, answers: list[tuple[Result, list[int]]]) -> None:
        self._answers = answers
        self._ours, self._theirs = socket.socketpair()
        self.is_alive = True

    def fileno(self) -> int:
        return self._ours.fileno()

    def send(self, message: Any, descriptors: Any = ()) -> None:
        del message, descriptors
        if not self.is_alive:
            raise EOFError

    def receive_ready(self) -> Iterator[tuple[Result, list[int]]]:
        yield from self._answers

    def hang_up(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    """Idle, and not allowed to start workers of its own."""
    dispatcher = dispatcher_of()
    dispatcher.workers.most = 0
    dispatcher.inbox.payload = SimpleNamespace(version=0)  # type: ignore[assignment]
    yield dispatcher
    dispatcher.close(wait=True)


def test_answers_of_a_worker_found_dead_are_dropped(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = os.open(os.devnull, os.O_RDONLY)
    channel = DyingChannel([(ANSWER, []), (ANSWER, [sent])])
    fork_server = SimpleNamespace(channel=None)
    worker = WorkerHandle(
        *(0, channel, RecallPipe(), fork_server, SEGMENTS),  # type: ignore[arg-type]
        most_free=4,
    )
    dispatcher.workers.add(worker, socket.socket())
    dispatcher.workers.start(Forked(0, NO_PID, 0, -1))
    first, second, third = tasks = [Task(0, None, (index,)) for index in range(3)]
    for task in (first, second):
        assert not task.cancel_if_unwanted()
    payload: Any = dispatcher.inbox.payload
    dispatcher._assigner._send(dispatcher.workers.idle.popleft(), first, payload)
    dispatcher._assigner._send(dispatcher.workers.busy.popleft(), second, payload)
    channel.is_alive = False
    dispatcher.inbox.tasks.append(third)

    with monkeypatch.context() as running:
        running.setattr(ForkServers, "__iter__", lambda _: iter([fork_server]))
        dispatcher._from_worker(worker)  # its first answer earns it the third task

    assert first.future.done()
    worker_table = dispatcher.workers
    assert worker not in [*worker_table, *worker_table.idle, *worker_table.busy]
    assert not second.future.done()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(sent)
    dispatcher._deaths.end(worker_table.dying[NO_PID], -9)
    assert [dispatcher.inbox.take() for _ in range(3)] == [*tasks[1:], None]


class Stepped(Dispatcher):
    """Does nothing by itself."""

    def _run(self) -> None:
        self._has_begun.set()


def test_news_for_a_closed_channel_is_not_told_to_the_next_with_its_number() -> None:
    dispatcher = dispatcher_of(Stepped)
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []
    reused: list[int] = []

    def close_the_other(number: int) -> None:
        called.append(number)
        other = pairs[1 - number][0]
        descriptor = other.fileno()
        dispatcher._loop.unwatch(descriptor)
        other.close()
        reused.append(os.dup2(pairs[number][0].fileno(), descriptor))
        dispatcher._loop.watch(descriptor, lambda: called.append(-1))

    for number, (ours, theirs) in enumerate(pairs):
        theirs.send(b"a result")
        call = functools.partial(close_the_other, number)
        dispatcher._loop.watch(ours.fileno(), call)
    try:
        dispatcher._step()
        assert len(called) == 1
    finally:
        dispatcher._tear_down(WorkerCrashError("the test is over"))
        for one in [*pairs[0], *pairs[1]]:
            one.close()
        for descriptor in reused:
            os.close(descriptor)


def test_payload_that_comes_while_a_task_is_taken_is_not_sent_to_old_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another thread begins a pass over a source that has changed, at any moment."""
    dispatcher = dispatcher_of(Stepped)
    dispatcher.inbox.payload = SimpleNamespace(version=0)  # type: ignore[assignment]
    dispatcher.inbox.tasks.append(task := Task(0, None, (0,)))
    take = dispatcher.inbox.take
    started_over: list[int] = []

    def take_late() -> Any:
        dispatcher.inbox.payload = SimpleNamespace(version=1)  # type: ignore[assignment]
        return take()

    monkeypatch.setattr(dispatcher.inbox, "take", take_late)
    promoted: Any = SimpleNamespace(version=0)
    dispatcher.fork_servers.promoted = promoted
    monkeypatch.setattr(
        dispatcher._assigner, "start_over", lambda: started_over.append(1)
    )
    assert dispatcher._assigner._take() is None
    assert not dispatcher._assigner._start_worker()
    assert started_over == [1, 1]
    assert take() is task
    dispatcher.fork_servers.promoted = None
    dispatcher._tear_down(WorkerCrashError("the test is over"))
