"""Runs the hooks of a source, one after the other, in a thread of its own.

Users' hooks may take long. They run here and not inside of TensorFlow's call, so that a
pull can return to TensorFlow several times a second, as it does for a slow batch: then
Ctrl-C comes at once, and an iterator can be deleted meanwhile. No lock is held.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures import Future
from typing import Any, Callable, Generic, Optional, TypeVar

from seq2data.errors import ReadError
from seq2data.pipeline.task_wait import FIRST_WARNING_S, ends_within
from seq2data.workers.system.limits import start_thread

_Result = TypeVar("_Result")


class HookCall(Generic[_Result]):
    """A call that waits for its turn, runs, or has ended.

    The hook thread runs it. One iterator's pulls wait for it, one after the other.

    Args:
        what: Names the call, for messages.
        function: Calls the hook.
        timeout: Seconds that the wait may take, None for no limit.
    """

    def __init__(
        self, what: str, function: Callable[[], _Result], timeout: Optional[float]
    ) -> None:
        self._what = what
        self._function: Optional[Callable[[], _Result]] = function
        self._timeout = timeout
        self._future: Optional[Future[_Result]] = Future()  # None once it was taken
        self._thread: Optional[int] = None  # None before it runs
        self._submitted = time.monotonic()
        self._warn_after_s = FIRST_WARNING_S

    def run(self) -> None:
        """Calls the function, in the hook thread; never raises what it raises."""
        function, self._function = self._function, None
        future = self._future
        assert function is not None
        assert future is not None
        self._thread = threading.get_ident()
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # the pull raises it
            future.set_exception(error)
        finally:
            del future  # or the error's traceback would refer to the error

    def has_ended(self) -> bool:
        """Waits a moment; True if the call has ended.

        Raises:
            InterruptedError: Ctrl-C was pressed, and the main thread waits for us.
            ReadError: It takes longer than the time limit.
        """
        assert self._future is not None
        if ends_within(self._future, lambda: f"the wait for {self._what}"):
            return True
        self._report()
        return False

    def result(self) -> _Result:
        """Returns what the function has returned, or raises what it has raised."""
        future, self._future = self._future, None
        assert future is not None
        try:
            return future.result()
        finally:
            del future  # or the error's traceback would refer to the error

    def _report(self) -> None:
        seconds = time.monotonic() - self._submitted
        # `timeout` is for batches; a hook has at least the time of a worker's start.
        limit = None if self._timeout is None else max(self._timeout, FIRST_WARNING_S)
        if limit is not None and seconds > limit:
            raise ReadError(
                f"{self._what} took longer than {limit:.0f} seconds, and "
                f"`timeout={self._timeout}`; it still runs\n\n{self._stack()}"
            )
        if seconds > self._warn_after_s:
            self._warn_after_s *= 2
            warnings.warn(
                f"{self._what} has not returned for {seconds:.0f} seconds; the wait "
                f"goes on\n\n{self._stack()}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _stack(self) -> str:
        if self._thread is None:
            return "(it waits for another hook of the same source)"
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)).rstrip()


class HookThread:
    """Runs calls in the order in which they were submitted, one at a time.

    The thread is a daemon: the interpreter does not wait for users' code at its end.

    Args:
        name: The source's.
        timeout: Seconds that a consumer waits for a call, None for no limit.

    Raises:
        WorkerCrashError: The system refuses another thread.
    """

    def __init__(self, name: str, timeout: Optional[float]) -> None:
        self._timeout = timeout
        # The thread refers to the queue alone, so that it keeps no dataset alive.
        self._calls: queue.SimpleQueue[Optional[HookCall[Any]]] = queue.SimpleQueue()
        began = threading.Event()
        thread = threading.Thread(
            target=_run,
            args=(self._calls, began),
            name=f"seq2data hooks of {name}",
            daemon=True,
        )
        start_thread(thread, began, 0)

    def submit(self, what: str, function: Callable[[], _Result]) -> HookCall[_Result]:
        """Queues a call and returns at once.

        Args:
            what: Names the call, for messages.
            function: Makes it.
        """
        call = HookCall(what, function, self._timeout)
        self._calls.put(call)
        return call

    def __enter__(self) -> HookThread:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], *_: object) -> None:
        """Ends the thread if the block has raised."""
        if kind is not None:
            self.close()

    def close(self) -> None:
        """Ends the thread after the calls that it has; takes no lock, does not wait."""
        self._calls.put(None)


def _run(
    calls: queue.SimpleQueue[Optional[HookCall[Any]]], began: threading.Event
) -> None:
    began.set()
    # Nothing stays in a variable here: it would live until the next call comes.
    while _serve(calls.get()):
        pass


def _serve(call: Optional[HookCall[Any]]) -> bool:
    """Runs a call; returns True if the thread goes on."""
    if call is None:
        return False
    call.run()
    return True
