"""The end of a pool of threads."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait

from seq2data.errors import WorkerCrashError
from seq2data.source.adapt import adapt
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.pool import ThreadPool
from tests.sources import Squares
from tests.workers.threads.pools import LIMIT_S, Waiting, result_of, submitted


def test_close_ends_a_wait_for_user_code_that_does_not_return() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    (task,) = submitted(pool, (0,))
    assert source.begun.wait(LIMIT_S)
    pool.close()
    error = result_of(task).error
    source.gate.set()
    assert isinstance(error, WorkerCrashError)
    assert "`Waiting`" in str(error)


def test_close_ends_the_tasks_that_have_not_begun() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    _, queued = submitted(pool, (0,), (1,))
    assert source.begun.wait(LIMIT_S)
    threads = [t for t in threading.enumerate() if "Waiting" in t.name]
    pool.close()
    source.gate.set()
    for thread in threads:
        thread.join(LIMIT_S)
    assert queued.future.done()


def test_close_ends_a_task_that_a_thread_is_about_to_read() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)

    def is_wanted() -> bool:
        pool.close()
        return True

    task = Task(2, None, (1,), is_wanted)
    pool.submit(task)
    assert isinstance(result_of(task).error, WorkerCrashError)
    assert source.reads == []


def test_close_ends_a_task_that_was_abandoned_before_it_began() -> None:
    source = Waiting()
    pool = ThreadPool(adapt(source), 1)
    _, queued = submitted(pool, (0,), (1,))
    assert source.begun.wait(LIMIT_S)
    pool.abandon(queued)
    pool.close()
    source.gate.set()
    assert isinstance(result_of(queued).error, WorkerCrashError)


def test_close_ends_a_task_that_is_submitted_after_it() -> None:
    pool = ThreadPool(adapt(Squares()), 1)
    pool.close()
    (task,) = submitted(pool, (0,))
    assert isinstance(result_of(task).error, WorkerCrashError)


def test_close_may_come_while_a_task_ends() -> None:
    first = TaskResult(seconds=1)

    class Overtaken(Future[TaskResult]):
        """Another thread ends it a moment before each result."""

        def set_result(self, result: TaskResult) -> None:
            super().set_result(first)
            super().set_result(result)

    task = Task(2, None, (0,), future=Overtaken())
    task.finish(TaskResult(seconds=2))
    assert task.future.result(0) is first


def test_close_ends_the_threads() -> None:
    pool = ThreadPool(adapt(Squares()), 3)
    wait([task.future for task in submitted(pool, (0,), (1,), (2,))])
    threads = [t for t in threading.enumerate() if t.name.startswith("seq2data")]
    pool.close()
    for thread in threads:
        thread.join(LIMIT_S)
    assert not any(thread.is_alive() for thread in threads)


def test_close_may_be_called_again() -> None:
    pool = ThreadPool(adapt(Squares()), 2)
    pool.close()
    pool.close(wait=False)
