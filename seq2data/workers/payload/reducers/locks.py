"""Locks and what is made of them: a worker gets a new one of the same kind.

A lock is free there, whoever holds it here: its holder is not there. What Python makes
of locks is copied with its state, an Event with its flag, a Queue with its items.
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
            "its items cannot be looked at: use a `queue.Queue`, or empty it"
        )
    return queue.SimpleQueue, ()


def _refuse_thread(_: threading.Thread) -> Recipe:
    raise TypeError("a thread runs in the process that started it and in no other")


def _reduce_future(value: Any) -> Optional[Recipe]:
    if not value.done():
        raise TypeError("its result is not there yet, and would never come in a copy")
    return None


register(type(threading.Lock()), lambda _: (threading.Lock, ()))
register(type(threading.RLock()), lambda _: (threading.RLock, ()))
# With its own lock, which others may share: a Queue has three conditions of one lock.
register(threading.Condition, lambda value: (type(value), (value._lock,)))
register(
    threading.BoundedSemaphore, lambda value: (type(value), (value._initial_value,))
)
# Each thread has its own values, and these are of no thread of the worker's.
register(threading.local, lambda value: (type(value), ()))
register(queue.SimpleQueue, _reduce_simple_queue)
register(threading.Thread, _refuse_thread)
register(Future, _reduce_future)
