"""The pool of threads in the program's own process, also used for `workers=0`.

The threads are daemons, and nothing waits for user code that never returns: futures end
on `close`, and the interpreter's exit ends the threads.
"""

from __future__ import annotations

import functools
import os
import queue
import sys
import threading
import time
import traceback
from typing import Optional

from seq2data.errors import WorkerCrashError
from seq2data.source.adapt import Source
from seq2data.source.fingerprint import attributes
from seq2data.workers.failures import error_of, failure_in_thread
from seq2data.workers.program_state.settings import apply_settings, take_settings
from seq2data.workers.protocol import Reader
from seq2data.workers.read_task import read_task
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.first_task import FirstTask
from seq2data.workers.threads.random_state import SeededReader
from seq2data.workers.transport.heap import HEAP
from seq2data.workers.transport.layout import BatchWriter


class ThreadPool:
    """Threads that read one source; see `Pool`.

    Args:
        source: The source, which all threads share.
        threads: How many there may be. They start when there are tasks.
    """

    shares_generators = True

    def __init__(self, source: Source, threads: int) -> None:
        self._source = source
        self.readers = "1 thread" if threads == 1 else f"{threads} threads"
        self._most_threads = threads
        # Changed by the thread that submits and by those that abandon.
        self._num_threads = 0
        self._tasks: queue.SimpleQueue[Optional[Task]] = queue.SimpleQueue()
        """Tasks that wait; None ends a thread."""
        self._open: set[Task] = set()
        """Tasks that have not ended."""
        self._running: dict[Task, Reader] = {}
        """Tasks that are being read, and the threads that read them."""
        self._seeded = SeededReader(source)
        # Settings of the thread that makes the dataset, where the user has set them.
        self._settings = take_settings(of_thread=True)
        self._attributes = attributes(source)
        """The source's attributes when they were last looked at."""
        self._is_loaded = False
        self._first = FirstTask()
        self._is_closed = False

    def load(self, source: object) -> bool:
        """Returns True if an attribute was set since the last call.

        The threads read the source itself, so nothing is sent. A change inside of an
        attribute's value is not noticed, unless the value is a random generator.
        """
        self._is_loaded = True
        if self._first.is_special:
            self._first.expect()
            self._seeded.expect_draws()
        before, self._attributes = self._attributes, attributes(source)
        return self._seeded.look() | (before != self._attributes)

    def submit(self, task: Task) -> None:
        """Queues a task, and starts a thread for it if there may be one more."""
        self._first.add(task)
        self._open.add(task)
        if self._is_closed:  # asked now: a close that comes later sees the task
            self._end_tasks()
            return
        self._tasks.put(task)
        if self._num_threads < self._most_threads:
            self._num_threads += 1
            name = f"seq2data reader of {self._source.name}"
            threading.Thread(target=self._run, name=name, daemon=True).start()

    def reader_of(self, task: Task) -> Optional[Reader]:
        """Returns the thread that is reading a task, None if it waits for one."""
        return self._running.get(task)

    def starter(self) -> Optional[Reader]:
        """Returns None: threads start at once."""

    def abandon(self, task: Task) -> None:
        """Gives up the thread that is reading a task; another one takes its place."""
        if self._running.pop(task, None) is not None:
            self._num_threads -= 1
            self._first.end(task)

    def close(self, wait: bool = True) -> None:
        """Ends idle threads at once, and others when the user code in them returns.

        Nothing waits for that: user code cannot be interrupted.
        """
        del wait
        self._is_closed = True
        self._end_tasks()
        self._first.close()  # so that threads that wait there see it
        for _ in range(self._num_threads):
            self._tasks.put(None)

    def _end_tasks(self) -> None:
        error = WorkerCrashError(f"the readers of `{self._source.name}` were stopped")
        for task in list(self._open):
            task.finish(TaskResult(error=error))

    def _run(self) -> None:
        apply_settings(self._settings)
        # A task must not stay in a variable here: it would live until the next comes.
        while self._serve(self._tasks.get()) and not self._is_closed:
            pass

    def _serve(self, task: Optional[Task]) -> bool:
        """Reads a task; returns False if the thread has to end."""
        if task is None:
            return False
        self._first.wait_for(task)
        if task.cancel_if_unwanted():
            self._first.end(task)
            self._open.discard(task)
            return True
        stacks = functools.partial(_stack, threading.get_ident())
        self._running[task] = Reader(os.getpid(), time.monotonic(), stacks)
        result = self._read(task)
        if not self._is_loaded:  # what `__getitem__` sets is no change of the source
            before, self._attributes = self._attributes, attributes(self._source)
            self._first.is_special |= before != self._attributes
        self._first.end(task)
        task.finish(result)
        self._open.discard(task)
        return self._running.pop(task, None) is not None  # else it was abandoned

    def _read(self, task: Task) -> TaskResult:
        # The memory of a task goes with its last batch. The size of a batch is known
        # only when it is read, so larger pieces would not save anything.
        writer, reader = HEAP.writer(), HEAP.reader(0)
        loan = reader.lend()
        result = read_task(
            lambda index: self._seeded.read(task, index),
            task.indices,
            BatchWriter(writer, loan, len(task.indices)),
            failure_in_thread,
        )
        error = None
        if result.failure is not None:
            name = self._source.name
            error = error_of(result.failure, name, task.epoch, os.getpid())
        runs = reader.read(result.runs, *writer.take_unsent(), loan)
        return TaskResult(runs, result.seconds, error, result.is_exhausted)


def _stack(thread: int) -> str:
    frame = sys._current_frames().get(thread)
    return "".join(traceback.format_stack(frame)).rstrip()
