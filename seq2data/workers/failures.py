"""Describes failures of workers, and makes the errors that they become."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from typing import Any, Optional, Union

from seq2data.errors import (
    BatchError,
    ReadError,
    Seq2DataError,
    SourceError,
    WorkerCrashError,
)
from seq2data.exception_text import as_cause, summary_of, traceback_of
from seq2data.workers.fault import OURS, STATUS, is_fault
from seq2data.workers.wire.messages import Failure

_CAUSES = {
    "SIGKILL": "probably the system ran out of memory, or it was killed by hand",
    "SIGSEGV": "native code called by the source crashed",
    "SIGBUS": "memory that was promised was not there",
    "SIGABRT": "native code called by the source gave up",
    "SIGTERM": "it was asked to stop",
}


# An exception that holds more than this is described, but not sent itself.
_MOST_PICKLE_BYTES = 1 << 20
# Loading an exception runs user code, and may wait for imports of other threads.
_LOAD_S = 5.0


def failure_of(error: BaseException, index: Optional[int] = None) -> Failure:
    """Describes an exception for another process, which can load it or gets none."""
    return _described(error, index, _pickled(error))


def failure_in_thread(error: BaseException, index: Optional[int] = None) -> Failure:
    """Describes an exception for another thread, which gets the exception itself."""
    return _described(error, index, error)


def _described(
    error: BaseException, index: Optional[int], sent: Union[bytes, BaseException, None]
) -> Failure:
    return Failure(summary_of(error), traceback_of(error), sent, index, is_fault(error))


def _pickled(error: BaseException) -> Optional[bytes]:
    try:
        data = pickle.dumps(error)
        is_sent = len(data) <= _MOST_PICKLE_BYTES
        return data if is_sent and type(pickle.loads(data)) is type(error) else None
    except BaseException:  # noqa: BLE001  # the user's __reduce__ may raise anything
        return None


def error_of(
    failure: Failure,
    name: str,
    epoch: Optional[int],
    pid: Optional[int],
) -> Seq2DataError:
    """Returns the error that the training process raises for a failure.

    seq2data's own errors come out as they are. An exception of the user's becomes the
    cause of a ReadError.
    """
    original: Any = failure.error
    if original is None or type(original) is bytes:
        original = cause = _loaded(original)
    else:
        cause = as_cause(original)
    if issubclass(type(original), (BatchError, SourceError)):
        if isinstance(original, BatchError) and failure.index is not None:
            located = f"batch {failure.index} of `{name}`: {original}"
            return BatchError(located, failure.index)
        own: Seq2DataError = original
        return own
    if failure.is_fault:
        what = (
            "loading" if failure.index is None else f"reading batch {failure.index} of"
        )
        message = f"{what} `{name}` (pid {pid}) failed: {OURS}"
    elif failure.index is None:
        message = f"`{name}` could not be loaded in a worker: {failure.summary}"
    else:
        message = (
            f"reading batch {failure.index} of `{name}` (epoch {epoch}, pid {pid}) "
            f"raised {failure.summary}"
        )
    error = ReadError(message, failure.index, epoch, pid, failure.traceback)
    error.__cause__ = cause
    return error


def _loaded(data: Optional[bytes]) -> Any:
    """Returns the exception; None if it cannot be loaded, or not soon.

    The main thread may be importing the module of its class, and wait for this thread.
    """
    if data is None:
        return None
    loaded: queue.SimpleQueue[Any] = queue.SimpleQueue()
    loading = threading.Thread(target=_load, args=(data, loaded), daemon=True)
    try:
        loading.start()
        return loaded.get(timeout=_LOAD_S)
    except (queue.Empty, RuntimeError):  # no thread can be started
        return None


def _load(data: bytes, loaded: queue.SimpleQueue[Any]) -> None:
    try:
        error = pickle.loads(data)
        is_error = issubclass(type(error), BaseException)
        loaded.put(as_cause(error) if is_error else None)
    except BaseException:  # noqa: BLE001  # a class that only the worker can import
        loaded.put(None)


def crash_error(
    name: str,
    pid: Optional[int],
    status: Optional[int],
    indices: tuple[int, ...],
    *,
    epoch: int,
    attempts: int,
    fault: Optional[str] = None,
) -> WorkerCrashError:
    """Returns the error for the last of the workers that died on the same batches.

    Args:
        name: The source's.
        pid: The worker's.
        status: How the worker ended; None if that is not known.
        indices: The batches.
        epoch: The number of the epoch.
        attempts: How many workers have died so.
        fault: What it has sent about the exception that ended it, if it has.
    """
    which = f"batch {indices[0]}" if len(indices) == 1 else f"batches {list(indices)}"
    last = f", the last of {attempts} in a row" if attempts > 1 else ""
    return WorkerCrashError(
        f"a worker (pid {pid}{last}) died while it read {which} of `{name}` "
        f"(epoch {epoch}): {fault or _hint(status)}",
        pid,
        status,
    )


def _hint(status: Optional[int]) -> str:
    return (
        f"{status_in_words(status)}. Its output, if any, is on stderr; "
        "`workers=0` reads the batch in this process, under a debugger if you like"
    )


def status_in_words(status: Optional[int]) -> str:
    """Returns an exit status in words."""
    if status is None:
        return "its exit status is not known"
    if status == STATUS:
        return (
            "it could not say why it ended. Has the code closed files that are not its "
            f"own (`os.closerange`)? If not, {OURS}"
        )
    if status >= 0:
        return f"it left with exit code {status} (the code called `os._exit`?)"
    try:
        name = signal.Signals(-status)
    except ValueError:
        return f"it was killed by signal {-status}"
    cause = _CAUSES.get(name.name)
    return f"it was killed by {name.name}" + (f"; {cause}" if cause else "")


def exit_status(wait_status: int) -> int:
    """Converts what `os.waitpid` returns to an exit code or minus a signal's number."""
    return os.waitstatus_to_exitcode(wait_status)
