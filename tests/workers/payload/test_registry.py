"""A user can register how an object is made again."""

from __future__ import annotations

import os
from typing import Any, Callable, Optional

import numpy as np
import pytest

import seq2data
from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload import registry
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.workers.payload.loading import sent


class Handle:
    """Of a native library: of no use in another process than its own."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.pid = os.getpid()

    def read(self, index: int) -> np.ndarray:
        assert self.pid == os.getpid(), "opened in another process"
        return np.array([len(self.path), index])

    def __getstate__(self) -> Any:
        raise TypeError("a handle")


class BetterHandle(Handle):
    """Not registered itself."""


class Silent(Handle):
    """Defines how it is pickled."""

    def __reduce__(self) -> Any:
        return Silent, ("silent",)


class Reader:
    def __init__(self, handle: Handle) -> None:
        self.tools = {"handle": handle}

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> np.ndarray:
        return self.tools["handle"].read(index)


Register = Callable[..., None]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """As `seq2data.register_reducer`, and forgets after the test."""
    monkeypatch.setattr(registry, "_registrations", dict(registry._registrations))
    return seq2data.register_reducer


def reopen(handle: Handle) -> Any:
    return Handle, (handle.path,)


def test_each_worker_makes_the_object_for_itself(
    register: Register, start_method: str
) -> None:
    register(Handle, reopen)
    source = Reader(Handle("path"))
    pool = ProcessPool("Reader", 2, 4, start_method=start_method)
    try:
        pool.load(adapt(source))
        tasks = [Task(0, None, (index,)) for index in range(8)]
        for task in tasks:
            pool.submit(task)
        results = [task.future.result(60) for task in tasks]
        assert [result.error for result in results] == [None] * 8
        assert [result.runs[0].arrays[0].tolist() for result in results] == [
            [source[index].tolist()] for index in range(8)
        ]
    finally:
        pool.close()


def test_without_a_reducer_it_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"`Reader\.tools\['handle'\]`"):
        pack(adapt(Reader(Handle("path"))), None)


def test_error_of_a_reducer_is_the_reason(register: Register) -> None:
    def refuse(handle: Handle) -> Any:
        raise ValueError(f"{handle.path} is closed")

    register(Handle, refuse)
    with pytest.raises(PayloadError, match=r"`Reader\.tools\['handle'\]`.*p is closed"):
        pack(adapt(Reader(Handle("p"))), None)


def test_subclass_has_the_reducer_of_its_base(register: Register) -> None:
    register(Handle, lambda handle: (type(handle), (handle.path,)))
    found = sent(BetterHandle("path"))
    assert type(found) is BetterHandle
    assert found.path == "path"


def test_nearest_reducer_is_taken(register: Register) -> None:
    register(BetterHandle, lambda _: (BetterHandle, ("nearest",)))
    register(Handle, lambda _: (Handle, ("base",)))
    assert sent(BetterHandle("path")).path == "nearest"


def test_subclass_that_pickles_itself_is_left_alone(register: Register) -> None:
    register(Handle, reopen)
    assert sent(Silent("path")).path == "silent"


def test_none_leaves_it_to_pickle(register: Register) -> None:
    def reduce(value: list[int]) -> Optional[tuple[Any, ...]]:
        return None

    class Plain:
        value = 3

    register(Plain, reduce)
    assert sent(Plain()).value == 3


def test_reducer_may_give_a_state_as_well(register: Register) -> None:
    def reduce(handle: Handle) -> Any:
        return Handle, ("path",), {"extra": 5}

    register(Handle, reduce)
    found = sent(Handle("path"))
    assert (found.path, found.extra) == ("path", 5)


def test_later_reducer_takes_the_place_of_an_earlier_one(register: Register) -> None:
    register(Handle, reopen)
    register(Handle, lambda _: (Handle, ("later",)))
    assert sent(Handle("path")).path == "later"
