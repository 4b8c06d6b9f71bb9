"""The event loop of the dispatcher."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from seq2data.workers.processes.event_loop import EventLoop


@pytest.fixture(params=["poll", "no poll"], autouse=True)
def _poll(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no poll":
        monkeypatch.delattr(select, "poll")


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe() for _ in range(3)]
    yield made
    for ends in made:
        for end in ends:
            os.close(end)


def test_handlers_of_what_is_readable_are_called(
    pipes: list[tuple[int, int]],
) -> None:
    loop = EventLoop()
    called: list[int] = []
    for number, (reader, _) in enumerate(pipes):
        loop.watch(reader, lambda number=number: called.append(number))
    for number in (0, 2):
        os.write(pipes[number][1], b"x")
    loop.run_once(None)
    assert sorted(called) == [0, 2]


def test_wait_ends_without_a_handler_after_its_time(
    pipes: list[tuple[int, int]],
) -> None:
    loop = EventLoop()
    called: list[int] = []
    loop.watch(pipes[0][0], lambda: called.append(0))
    loop.run_once(0.001)
    assert called == []


def test_descriptor_that_is_forgotten_has_no_handler(
    pipes: list[tuple[int, int]],
) -> None:
    loop = EventLoop()
    called: list[int] = []
    for number in (0, 1):
        loop.watch(pipes[number][0], lambda number=number: called.append(number))
        os.write(pipes[number][1], b"x")
    loop.unwatch(pipes[0][0])
    loop.unwatch(pipes[2][0])  # it was never watched
    loop.run_once(None)
    assert called == [1]


def test_handler_that_another_one_has_forgotten_is_not_called(
    pipes: list[tuple[int, int]],
) -> None:
    loop = EventLoop()
    called: list[int] = []

    def forget_the_other(number: int) -> None:
        called.append(number)
        loop.unwatch(pipes[1 - number][0])

    for number in (0, 1):
        loop.watch(pipes[number][0], lambda number=number: forget_the_other(number))
        os.write(pipes[number][1], b"x")
    loop.run_once(None)
    assert len(called) == 1


def test_writer_s_end_is_an_event(pipes: list[tuple[int, int]]) -> None:
    loop = EventLoop()
    called: list[int] = []
    loop.watch(pipes[0][0], lambda: called.append(0))
    os.close(pipes[0][1])
    loop.run_once(None)
    assert called == [0]
    pipes[0] = pipes[0][0], os.open(os.devnull, os.O_RDONLY)
