"""The smallest kind of worker: reads each task at once, in the thread that submits."""

from __future__ import annotations

import os
from typing import Any, Optional

from seq2data.errors import WorkerCrashError
from seq2data.source.adapt import Source
from seq2data.source.fingerprint import attributes
from seq2data.workers.failures import error_of, failure_in_thread
from seq2data.workers.protocol import Reader
from seq2data.workers.read_task import read_task
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.threads.random_state import SeededReader
from seq2data.workers.transport.heap import HEAP
from seq2data.workers.transport.layout import BatchWriter


class InlinePool:
    readers = "the caller"
    shares_generators = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self._seeded = SeededReader(source)
        self._attributes: Any = attributes(source)
        self._is_closed = False

    def load(self, source: object) -> bool:
        before, self._attributes = self._attributes, attributes(source)
        return self._seeded.look() | (before != self._attributes)

    def submit(self, task: Task) -> None:
        if self._is_closed:
            error = WorkerCrashError("it is closed")
            task.finish(TaskResult(error=error))
        elif not task.cancel_if_unwanted():
            task.finish(self._read(task))

    def _read(self, task: Task) -> TaskResult:
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

    def reader_of(self, task: Task) -> Optional[Reader]:
        del task

    def starter(self) -> Optional[Reader]:
        return None

    def abandon(self, task: Task) -> None:
        del task

    def close(self, wait: bool = True) -> None:
        del wait
        self._is_closed = True
