"""Locks and what Python builds from them: a worker gets a new one of the same kind.

A worker's lock is free, also if a thread of the parent holds it: that thread does not
exist in the worker. An Event is copied with its flag, a Queue with its items.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import Any, Optional

from seq2data.workers.payload.registry import Recipe, register


def _reduce_simple_queue(value: Any) -> Recipe:
    if not value.empty():
        raise TypeError(
            "its items cannot be read without removing them: use a `queue.Queue`, or "
            "empty it"
        )
    return queue.SimpleQueue, ()


def _refuse_thread(_: threading.Thread) -> Recipe:
    raise TypeError("a thread runs only in the process that started it")


def _reduce_future(value: Any) -> Optional[Recipe]:
    if not value.done():
        raise TypeError("it has no result yet, and a copy would never get one")
    return None


register(type(threading.Lock()), lambda _: (threading.Lock, ()))
register(type(threading.RLock()), lambda _: (threading.RLock, ()))
# With its lock, which others may share: a Queue has three conditions with one lock.
register(threading.Condition, lambda value: (type(value), (value._lock,)))
register(
    threading.BoundedSemaphore, lambda value: (type(value), (value._initial_value,))
)
# Each thread has its own values, and a worker does not have the parent's threads.
register(threading.local, lambda value: (type(value), ()))
register(queue.SimpleQueue, _reduce_simple_queue)
register(threading.Thread, _refuse_thread)
register(Future, _reduce_future)
