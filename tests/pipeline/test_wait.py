"""The wait for a batch: its limits, and what it says while it goes on."""

from __future__ import annotations

import os
import re
import signal
import time
import warnings
from typing import Any, Optional

import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from seq2data import to_dataset
from seq2data.errors import BatchTimeoutError
from seq2data.pipeline import task_wait
from seq2data.pipeline.task_wait import TaskWait
from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.pool import ThreadPool
from tests.hostile import Misbehaving

pytestmark = pytest.mark.tensorflow

_LIMIT_S = 60.0


@pytest.fixture(params=["threads", "processes"])
def pool(request: pytest.FixtureRequest) -> Any:
    source = adapt(Misbehaving("pause"))
    if request.param == "threads":
        made: Any = ThreadPool(source, 2)
    else:
        made = ProcessPool(source.name, 2, 8)
        made.load(source)
    yield made
    made.close()


def waited(pool: Any, index: int, timeout: Optional[float] = None) -> TaskResult:
    task = Task(0, None, (index,))
    pool.submit(task)
    wait = TaskWait(pool, "Misbehaving", timeout).wait
    deadline = time.monotonic() + _LIMIT_S
    while (result := wait(task)) is None:
        assert time.monotonic() < deadline
    return result


def test_stuck_batch_is_an_error_with_all_facts(pool: Any) -> None:
    error = waited(pool, 3, timeout=1.0).error
    assert isinstance(error, BatchTimeoutError)
    assert (error.index, error.epoch) == (3, 0)
    assert re.match(
        rf"batch 3 of `Misbehaving` \(epoch 0, worker pid {error.pid}\) took longer "
        r"than `timeout=1.0` seconds",
        str(error),
    )
    assert "in pause" in error.worker_traceback
    assert error.worker_traceback in str(error)


def test_others_are_read_on_after_a_stuck_batch(pool: Any) -> None:
    for _ in range(3):  # more than there are workers
        assert waited(pool, 3, timeout=0.3).error is not None
    assert waited(pool, 4).error is None


def test_batch_within_the_time_limit_comes(pool: Any) -> None:
    assert waited(pool, 4, timeout=_LIMIT_S).error is None


def test_long_wait_warns_at_doubling_intervals_and_goes_on(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_wait, "FIRST_WARNING_S", 0.5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert waited(pool, 3).error is None
    texts = [str(warning.message) for warning in caught]
    # The pause is 4 seconds: at 0.5, 1, 2 and, if the machine is slow, 4 and later.
    assert len(texts) >= 3
    seconds = [int(re.search(r"for (\d+) seconds", text)[1]) for text in texts]
    assert all(later >= 2 * earlier for earlier, later in zip(seconds[1:], seconds[2:]))
    assert all("batch 3 of `Misbehaving` (epoch 0, " in text for text in texts)
    assert all("`timeout=`" in text for text in texts)
    # The first may come while the worker is being started.
    assert "worker pid " in texts[-1]
    assert "in pause" in texts[-1]


def test_frozen_worker_counts_as_stuck() -> None:
    dataset = to_dataset(Misbehaving("stop_itself"), workers=2, timeout=1.0)
    with pytest.raises(tf.errors.OpError, match=r"kill -CONT \d+"):
        list(dataset)


def wait_a_moment(pool: Any, task: Task) -> None:
    wait = TaskWait(pool, "Misbehaving", None).wait
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert wait(task) is None


def test_batch_that_no_worker_could_begin_is_reported_with_the_fork_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = adapt(Misbehaving("pause"))
    pool = ProcessPool(source.name, 1, 8)
    pool.load(source)
    try:
        waited(pool, 0)
        fork_server = pool._dispatcher.fork_servers.current
        assert fork_server is not None
        os.kill(fork_server.pid, signal.SIGSTOP)
        task = Task(0, None, (1,))
        os.kill(next(iter(pool._dispatcher.workers)).pid, signal.SIGKILL)
        pool.submit(task)
        monkeypatch.setattr(task_wait, "FIRST_WARNING_S", 0.5)
        with pytest.warns(RuntimeWarning, match=f"waiting for pid {fork_server.pid}"):
            wait_a_moment(pool, task)
        os.kill(fork_server.pid, signal.SIGCONT)
        assert task.future.result(_LIMIT_S).error is None
    finally:
        pool.close()
