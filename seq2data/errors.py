"""Defines every error that seq2data itself raises.

Seq2DataError
 |- SourceError        (ValueError)      what was passed in cannot be read
 |- BatchError         (ValueError)      a batch has no arrays, or breaks the spec
 |- ReadError          (RuntimeError)    the user's code raised; the cause is its error
 |- WorkerCrashError   (RuntimeError)    a worker died without raising
 |- BatchTimeoutError  (TimeoutError)    a batch took longer than `timeout`
 |- PayloadError       (PicklingError)   the source cannot be sent to workers
 |- MissingExtraError  (ImportError)     an optional dependency is not installed

Workers send them, so pickling keeps each with its attributes.
"""

from __future__ import annotations

import pickle
from typing import Optional


class Seq2DataError(Exception):
    """The base class: `except Seq2DataError` catches all errors of seq2data itself."""


class SourceError(Seq2DataError, ValueError):
    """What was passed in cannot be read as a source."""


class BatchError(Seq2DataError, ValueError):
    """A batch is not made of arrays, or differs from the dataset's `element_spec`.

    Attributes:
        index: The index of the batch in the source, None before reading began.
    """

    def __init__(self, message: str, index: Optional[int] = None) -> None:
        super().__init__(message, index)
        self.index = index

    def __str__(self) -> str:
        return str(self.args[0])


class ReadError(Seq2DataError, RuntimeError):
    """The user's own code raised; `__cause__` is its exception if that can be sent.

    Attributes:
        index: The index of the batch that was read, None for a hook.
        epoch: The number of the epoch, from 0.
        pid: The process that ran the code.
        worker_traceback: The traceback of that process, as text.
    """

    def __init__(
        self,
        message: str,
        index: Optional[int] = None,
        epoch: Optional[int] = None,
        pid: Optional[int] = None,
        worker_traceback: str = "",
    ) -> None:
        super().__init__(message, index, epoch, pid, worker_traceback)
        self.index = index
        self.epoch = epoch
        self.pid = pid
        self.worker_traceback = worker_traceback

    def __str__(self) -> str:
        return f"{self.args[0]}\n\n{self.worker_traceback}".rstrip()


class WorkerCrashError(Seq2DataError, RuntimeError):
    """A worker died without raising: it was killed, or its code ended the process.

    Attributes:
        pid: The worker's process id, None if it never started.
        status: The exit code, or minus the signal's number; None if not known.
    """

    def __init__(
        self, message: str, pid: Optional[int] = None, status: Optional[int] = None
    ) -> None:
        super().__init__(message, pid, status)
        self.pid = pid
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class BatchTimeoutError(Seq2DataError, TimeoutError):
    """A batch took longer than `timeout` seconds.

    Attributes:
        index: The index of the first batch that the worker was to read.
        epoch: The number of the epoch, from 0.
        pid: The worker, None if none had begun.
        worker_traceback: The stack of the worker, as text.
    """

    def __init__(
        self,
        message: str,
        index: Optional[int] = None,
        epoch: Optional[int] = None,
        pid: Optional[int] = None,
        worker_traceback: str = "",
    ) -> None:
        super().__init__(message)  # OSError takes a second argument for a file name
        self.index = index
        self.epoch = epoch
        self.pid = pid
        self.worker_traceback = worker_traceback

    def __reduce__(self) -> tuple[object, ...]:
        facts = (self.index, self.epoch, self.pid, self.worker_traceback)
        return type(self), (*self.args, *facts)

    def __str__(self) -> str:
        return f"{self.args[0]}\n\n{self.worker_traceback}".rstrip()


class PayloadError(Seq2DataError, pickle.PicklingError):
    """The source cannot be sent to worker processes."""


class MissingExtraError(Seq2DataError, ImportError):
    """An optional dependency is not installed; the message has the command."""
