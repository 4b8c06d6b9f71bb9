"""Batches arrive while workers and fork servers are killed."""

from __future__ import annotations

import os
import random
import signal
import threading
from typing import Any, Callable

import pytest

from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task, TaskResult
from tests.leaks import children_of_seq2data
from tests.sources import Squares

_LIMIT_S = 60.0

MakePool = Callable[..., ProcessPool]


def values(result: TaskResult, leaf: int = 0) -> list[Any]:
    assert result.error is None
    return [batch for run in result.runs for batch in run.arrays[leaf].tolist()]


@pytest.mark.parametrize("start_method", ["fork"], indirect=True)
def test_every_batch_arrives_once_and_in_order_while_workers_are_killed(
    make_pool: MakePool,
) -> None:
    """A killer strikes at a random worker, and now and then at the fork server."""
    pool = make_pool(Squares(1000), workers=4)
    found: list[Any] = []
    done = threading.Event()
    strikes: list[str] = []
    killer = threading.Thread(target=_kill_now_and_then, args=(done, found, strikes))
    killer.start()
    try:
        tasks = [Task(0, None, (index,)) for index in range(1000)]
        for start in range(0, 1000, 10):
            for task in tasks[start : start + 10]:
                pool.submit(task)
            for task in tasks[start : start + 10]:
                found += values(task.future.result(_LIMIT_S))
            done.wait(0.02)  # makes the 1,000 batches last long enough for the killer
    finally:
        done.set()
        killer.join()
    assert [batch[0][0] for batch in found] == list(range(1000))
    assert strikes.count("worker") >= 10
    assert strikes.count("fork server") >= 2


def _kill_now_and_then(
    done: threading.Event, found: list[Any], strikes: list[str]
) -> None:
    chance = random.Random(5)
    num_found = 0
    while not done.wait(0.05):
        if len(found) == num_found:  # a pool whose workers all die gives up
            continue
        num_found = len(found)
        fork_servers = children_of_seq2data(os.getpid())
        workers = [pid for one in fork_servers for pid in children_of_seq2data(one)]
        is_fork_server = chance.random() < 0.1
        victims = fork_servers if is_fork_server else workers
        if victims:
            try:
                os.kill(chance.choice(victims), signal.SIGKILL)
            except ProcessLookupError:
                continue
            strikes.append("fork server" if is_fork_server else "worker")
