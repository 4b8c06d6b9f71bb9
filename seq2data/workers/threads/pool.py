"""Reads in the caller's process: the pool's surface for threads and for `workers=0`.

The threads are ours and daemons: nobody waits for user code that never returns, neither
a consumer (its future ends on close) nor the interpreter's exit.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import threading
import time
import traceback
from typing import Any, Optional

from seq2data.errors import WorkerCrashError
from seq2data.source.adapt import Source
from seq2data.source.fingerprint import attributes
from seq2data.workers.failures import described, error_of
from seq2data.workers.program_state.settings import apply_settings, take_settings
from seq2data.workers.protocol import Reader
from seq2data.workers.read_task import Reading, read_batches
from seq2data.workers.task import BatchRun, Task, TaskResult
from seq2data.workers.threads.first_task import FirstTask
from seq2data.workers.threads.random_state import SeededReader
from seq2data.workers.transport.heap import HeapStore
from seq2data.workers.transport.layout import BatchWriter, read_run


class ThreadPool:
    """Threads of this process that read one source.

    Args:
        source: What to read.
        threads: How many; they are started when there is work for them.
    """

    shares_generators = True

    def __init__(self, source: Source, threads: int) -> None:
        self._source = source
        self.readers = "1 thread" if threads == 1 else f"{threads} threads"
        self._most_threads = threads
        self._threads = 0
        self._tasks: queue.SimpleQueue[Optional[Task]] = queue.SimpleQueue()
        self._open: set[Task] = set()  # they have not ended
        self._running: dict[Task, Reader] = {}
        self._seeded = SeededReader(source)
        # Of the thread that makes the dataset, where the user has set them.
        self._settings = take_settings(of_thread=True)
        self._attributes = attributes(source)
        self._is_loaded = False
        self._first = FirstTask()
        self._is_closed = False

    def load(self, source: object) -> bool:
        """Whether an attribute was set since the last time.

        The threads see the source itself, so that nothing needs sending; what was
        changed inside an attribute's value is not found out, if it is no generator.
        """
        self._is_loaded = True
        if self._first.is_special:
            self._first.expect()
            self._seeded.expect_draws()
        before, self._attributes = self._attributes, attributes(source)
        return self._seeded.look() | (before != self._attributes)

    def submit(self, task: Task) -> None:
        """Queues a task; tasks start in the order in which they were submitted."""
        self._first.submitted(task)
        self._open.add(task)
        if self._is_closed:  # asked now: a close that comes later sees the task
            self._end_tasks()
            return
        self._tasks.put(task)
        if self._threads < self._most_threads:
            self._threads += 1
            name = f"seq2data reader of {self._source.name}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def reader_of(self, task: Task) -> Optional[Reader]:
        """The thread that is reading a task, None if it waits for one."""
        return self._running.get(task)

    def starter(self) -> Optional[Reader]:
        """None: threads need nobody to start them."""

    def abandon(self, task: Task) -> None:
        """Lets the thread go that is reading a task, and others take its place."""
        if self._running.pop(task, None) is not None:
            self._threads -= 1
            self._first.ended(task)

    def close(self, wait: bool = True) -> None:
        """Ends idle threads; one inside user code ends when that returns.

        Nothing waits for it: user code cannot be interrupted.
        """
        del wait
        self._is_closed = True
        self._end_tasks()
        self._first.close()  # lets threads see that
        for _ in range(self._threads):
            self._tasks.put(None)

    def _end_tasks(self) -> None:
        error = WorkerCrashError(f"the readers of `{self._source.name}` were stopped")
        for task in list(self._open):
            task.finish(TaskResult(error=error))

    def _run(self) -> None:
        apply_settings(self._settings)
        # Nothing stays in a variable here: it would live until the next task comes.
        while self._serve(self._tasks.get()) and not self._is_closed:
            pass

    def _serve(self, task: Optional[Task]) -> bool:
        """Reads a task; whether the thread goes on."""
        if task is None:
            return False
        self._first.enter(task)
        if not task.start():
            self._first.ended(task)
            self._open.discard(task)
            return True
        stacks = functools.partial(_stack, threading.get_ident())
        self._running[task] = Reader(os.getpid(), time.monotonic(), stacks)
        result = self._read(task)
        if not self._is_loaded:  # what `__getitem__` sets is no change of the source
            before, self._attributes = self._attributes, attributes(self._source)
            self._first.is_special |= before != self._attributes
        self._first.ended(task)
        task.finish(result)
        self._open.discard(task)
        return self._running.pop(task, None) is not None  # else it was abandoned

    def _read(self, task: Task) -> TaskResult:
        store = HeapStore()
        # One task's memory goes when its last batch goes; the batches' size is known
        # only after the first, so there is nothing to be had from larger pieces.
        writer = BatchWriter(store, None, len(task.indices))
        reading = read_batches(
            lambda index: self._seeded.read(task, index), task.indices, writer
        )
        runs = tuple(
            BatchRun(
                run.num_batches,
                run.structure,
                read_run(
                    run, None if run.segment is None else store.memory(run.segment)
                ),
            )
            for run in reading.runs
        )
        return TaskResult(
            runs, reading.seconds, self._error(task, reading), reading.is_exhausted
        )

    def _error(self, task: Task, reading: Reading) -> Any:
        if reading.error is None:
            return None
        failure = described(reading.error, reading.error_index)
        name, pid = self._source.name, os.getpid()
        return error_of(failure, name, task.epoch, pid, reading.error)


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)).rstrip()
