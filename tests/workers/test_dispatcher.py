"""Deaths at moments that whole processes hit once in a million."""

from __future__ import annotations

import functools
import os
import selectors
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seq2data.errors import WorkerCrashError
from seq2data.workers.claims import Claims
from seq2data.workers.dispatcher import Dispatcher
from seq2data.workers.messages import Forked, Result
from seq2data.workers.nurseries import Nurseries
from seq2data.workers.task import Task
from seq2data.workers.worker_handle import WorkerHandle

ANSWER = Result((), (), 0.0, None, False)


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
    dispatcher = Dispatcher("Source", 1, 4, "fork", lambda: None)
    dispatcher.crew.most = 0
    dispatcher.payload = SimpleNamespace(version=0)  # type: ignore[assignment]
    yield dispatcher
    dispatcher.close(wait=True)


def test_answers_of_a_worker_found_dead_are_dropped(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = os.open(os.devnull, os.O_RDONLY)
    channel = DyingChannel([(ANSWER, []), (ANSWER, [sent])])
    nursery = SimpleNamespace(channel=None)
    worker = WorkerHandle(0, channel, Claims(), nursery, 4)  # type: ignore[arg-type]
    dispatcher.crew.wish_for(worker, socket.socket())
    dispatcher.crew.start(Forked(0, 99, 0, -1), None)
    first, second, third = tasks = [Task(0, None, (index,)) for index in range(3)]
    for task in (first, second):
        assert task.start()
    payload: Any = dispatcher.payload
    dispatcher._send(dispatcher.crew.idle.popleft(), first, payload)
    dispatcher._send(dispatcher.crew.busy.popleft(), second, payload)
    channel.is_alive = False
    dispatcher._backlog.add(third)

    with monkeypatch.context() as running:
        running.setattr(Nurseries, "__iter__", lambda _: iter([nursery]))
        dispatcher._from_worker(worker)  # its first answer earns it the third task

    assert first.future.done()
    crew = dispatcher.crew
    assert worker not in [*crew, *crew.idle, *crew.busy]
    assert not second.future.done()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(sent)
    dispatcher._bury(crew.dying[99], -9)
    assert [dispatcher._backlog.take() for _ in range(3)] == [*tasks[1:], None]


class Stepped(Dispatcher):
    """Does nothing by itself."""

    def _run(self) -> None:
        self._began.set()


def test_news_for_a_closed_channel_is_not_told_to_the_next_with_its_number() -> None:
    dispatcher = Stepped("Source", 1, 4, "fork", lambda: None)
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []
    reused: list[int] = []

    def close_the_other(number: int) -> None:
        called.append(number)
        other = pairs[1 - number][0]
        descriptor = other.fileno()
        dispatcher._selector.unregister(other)
        other.close()
        reused.append(os.dup2(pairs[number][0].fileno(), descriptor))
        dispatcher._selector.register(descriptor, selectors.EVENT_READ, None)

    for number, (ours, theirs) in enumerate(pairs):
        theirs.send(b"a result")
        call = functools.partial(close_the_other, number)
        dispatcher._selector.register(ours, selectors.EVENT_READ, call)
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
    dispatcher = Stepped("Source", 1, 4, "fork", lambda: None)
    dispatcher.payload = SimpleNamespace(version=0)  # type: ignore[assignment]
    dispatcher._backlog.add(task := Task(0, None, (0,)))
    take = dispatcher._backlog.take
    started_over: list[int] = []

    def take_late() -> Any:
        dispatcher.payload = SimpleNamespace(version=1)  # type: ignore[assignment]
        return take()

    monkeypatch.setattr(dispatcher._backlog, "take", take_late)
    monkeypatch.setattr(
        dispatcher.nurseries, "is_outdated", lambda payload: payload.version != 0
    )
    monkeypatch.setattr(dispatcher, "_start_over", lambda: started_over.append(1))
    assert dispatcher._take() is None
    assert not dispatcher._start_worker()
    assert started_over == [1, 1]
    assert take() is task
    dispatcher._tear_down(WorkerCrashError("the test is over"))
