"""Fixtures of the tests of process pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool

MakePool = Callable[..., ProcessPool]


@pytest.fixture
def make_pool(start_method: str) -> Iterator[MakePool]:
    """Makes pools of both start methods, and closes them."""
    pools = []

    def make(source: Any, workers: int = 2, **options: Any) -> ProcessPool:
        pool = ProcessPool(
            type(source).__qualname__, workers, 8, start_method=start_method, **options
        )
        pools.append(pool)
        pool.load(adapt(source))
        return pool

    yield make
    for pool in pools:
        pool.close()
