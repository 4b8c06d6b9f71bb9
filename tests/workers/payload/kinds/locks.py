"""Locks, and what Python builds from them."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Callable

from tests.workers.payload.kinds.kind import NUM_BATCHES, Kind, as_bytes


def lock_and_release(lock: Any, index: int) -> Any:
    is_taken = lock.acquire(False)
    lock.release()
    return is_taken, index


def count_permits(semaphore: Any, _: int) -> int:
    permits = 0
    while permits < 9 and semaphore.acquire(blocking=False):
        permits += 1
    for _ in range(permits):
        semaphore.release()
    return permits


def set_event(_: Path) -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def notify(condition: Any, index: int) -> int:
    with condition:
        condition.notify_all()
    return index


def remember(local: Any, index: int) -> Any:
    before = getattr(local, "index", -1)
    local.index = index
    return before, index


def filled(kind: Any) -> Callable[[Path], Any]:
    def make(_: Path) -> Any:
        made = kind()
        for item in range(NUM_BATCHES):
            made.put(item)
        return made

    return make


def put_and_get(simple: Any, index: int) -> int:
    simple.put(index)
    return int(simple.get(timeout=5))


def done_future(_: Path) -> Any:
    future: Any = Future()
    future.set_result(7)
    return future


def squares_by(pool: Any, index: int) -> list[int]:
    return list(pool.map(functools.partial(pow, index), range(5)))


KINDS = {
    "lock": Kind(lambda _: threading.Lock(), lock_and_release),
    "rlock": Kind(lambda _: threading.RLock(), lock_and_release),
    "event": Kind(set_event, lambda event, _: event.is_set()),
    "condition": Kind(lambda _: threading.Condition(), notify),
    "semaphore": Kind(lambda _: threading.Semaphore(3), count_permits),
    "bounded_semaphore": Kind(lambda _: threading.BoundedSemaphore(3), count_permits),
    "barrier": Kind(lambda _: threading.Barrier(1), lambda b, _: b.wait(5)),
    "local": Kind(lambda _: threading.local(), remember),
    "queue": Kind(filled(queue.Queue), lambda q, _: q.get(timeout=5)),
    "lifo_queue": Kind(filled(queue.LifoQueue), lambda q, _: q.get(timeout=5)),
    "simple_queue": Kind(lambda _: queue.SimpleQueue(), put_and_get),
    "future": Kind(done_future, lambda future, _: future.result(5)),
    "executor": Kind(lambda _: ThreadPoolExecutor(2), squares_by),
    "thread_pool": Kind(lambda _: ThreadPool(2), squares_by),
    "logger": Kind(
        lambda _: logging.getLogger("tests.a"), lambda log, _: as_bytes(log.name)
    ),
}
