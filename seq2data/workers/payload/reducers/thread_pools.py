"""Thread pools that a source holds: each worker makes its own, of the same size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional

import wrapt

from seq2data.workers.payload.registry import Recipe, register


def _reduce_executor(value: Any) -> Optional[Recipe]:
    if type(value) is not ThreadPoolExecutor:
        return None  # a subclass may need other arguments
    names = ("_max_workers", "_thread_name_prefix", "_initializer", "_initargs")
    return type(value), tuple(getattr(value, name) for name in names)


def _reduce_pool(value: Any) -> Recipe:
    return type(value), (value._processes, value._initializer, value._initargs)


register(ThreadPoolExecutor, _reduce_executor)


def _register_pool(pool: Any) -> None:
    # It starts its threads at once, and a fork does not copy threads.
    register(pool.ThreadPool, _reduce_pool, survives_fork=False)


wrapt.register_post_import_hook(_register_pool, "multiprocessing.pool")
