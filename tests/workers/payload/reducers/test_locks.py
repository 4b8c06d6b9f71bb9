"""A worker's locks are new and free, and the objects that shared one share it there."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from seq2data.errors import PayloadError
from seq2data.workers.payload.payload import pack
from tests.workers.payload.loading import sent


@pytest.mark.parametrize(
    "make",
    [
        threading.Lock,
        threading.RLock,
        threading.Condition,
        threading.BoundedSemaphore,
    ],
)
def test_lock_that_is_held_here_is_free_there(make: Any) -> None:
    lock = make()
    with lock:
        found = sent(lock)
        assert type(found) is type(lock)
        assert found.acquire(blocking=False)
        found.release()


def test_one_lock_under_two_names_stays_one() -> None:
    lock = threading.Lock()
    found = sent({"a": lock, "b": [lock]})
    assert found["a"] is found["b"][0]
    assert found["a"] is not lock


def test_conditions_of_a_queue_share_its_lock() -> None:
    found = sent(queue.Queue(3))
    assert found.maxsize == 3
    with found.mutex:
        assert not found.not_empty.acquire(blocking=False)
    found.put(1)
    assert found.get(timeout=5) == 1


@pytest.mark.parametrize("is_set", [True, False])
def test_event_keeps_its_flag(is_set: bool) -> None:
    event = threading.Event()
    if is_set:
        event.set()
    assert sent(event).is_set() == is_set


def test_values_of_a_thread_stay_with_it() -> None:
    local = threading.local()
    local.value = 3
    assert not hasattr(sent(local), "value")


class Counters(threading.local):
    """Each thread begins at 7."""

    def __init__(self) -> None:
        self.value = 7


def test_kind_of_local_is_kept() -> None:
    counters = Counters()
    counters.value = 8
    found = sent(counters)
    assert type(found) is Counters
    assert found.value == 7


def test_queue_whose_items_cannot_be_seen_is_refused() -> None:
    simple: queue.SimpleQueue[int] = queue.SimpleQueue()
    simple.put(1)
    with pytest.raises(PayloadError, match=r"use a `queue\.Queue`"):
        pack([simple], None)


def test_result_that_would_never_come_is_refused() -> None:
    with pytest.raises(PayloadError, match="it has no result yet"):
        pack([Future()], None)
