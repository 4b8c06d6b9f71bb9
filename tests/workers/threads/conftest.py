"""Fixtures of the tests of thread pools."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.threads.pool import ThreadPool
from tests.workers.threads.pools import OpenPool


@pytest.fixture(autouse=True)
def _own_states() -> Iterator[None]:
    """The other tests' random numbers stay what they were."""
    before = random.getstate(), np.random.get_state()
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])


@pytest.fixture
def open_pool() -> Iterator[OpenPool]:
    """Makes pools, and closes them."""
    pools: list[ThreadPool] = []

    def make(source: Any, threads: int = 2) -> ThreadPool:
        pools.append(ThreadPool(adapt(source), threads))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()
