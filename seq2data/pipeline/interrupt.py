"""Makes Ctrl-C end a wait inside TensorFlow, and come out as KeyboardInterrupt.

Python runs a signal's handler in the main thread, between two of its instructions. A
main thread that waits in TensorFlow executes none until the batch comes, which can take
minutes. So the wait itself looks for a SIGINT that was not handled: the signal leaves a
byte in a socket (`signal.set_wakeup_fd`), and our handler removes it. Such a wait ends
in an error, which brings the main thread back to Python.

Some code of TensorFlow and Keras breaks when KeyboardInterrupt is raised in it:

  * the code that makes an error of one that was raised in C++: with both, pybind11
    raises `RuntimeError: ... MISMATCH`, in 76 of 80 interrupts of a slow batch;
  * an iterator's `__next__`: 9 of 240 interrupts of a fast loop were lost, or ended in
    a segmentation fault or an abort;
  * the code that runs an operation, or makes a tensor: C++ loses the exception, or goes
    on with it set;
  * two functions of Keras 3 with a bare `except`;
  * finalizers, whose errors Python ignores.

There the handler does not raise. It traces the caller of such code instead, and raises
at the caller's next line: then all of these interrupts came out as they should.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Any, NoReturn, Optional

# How the qualified names of such functions begin; the functions they call count, too.
_FRAGILE = (
    "keras.src.backend.tensorflow.core.shape",
    "keras.src.utils.python_utils.pythonify_logs",
    "tensorflow.python.data.ops.iterator_ops.",
    "tensorflow.python.eager.core.",
    "tensorflow.python.framework.constant_op.",
    "tensorflow.python.framework.errors_impl.",
    "tensorflow.python.framework.ops.from_node_def",
    "tensorflow.python.ops.gen_",
    "weakref.",
)


class InterruptWatch:
    """Watches for a Ctrl-C that the main thread has not handled; there is one.

    The main thread calls `begin`; every thread may call `is_pending`.
    """

    def __init__(self) -> None:
        # Readable while a signal is not handled. They stay open as long as the process.
        self._sockets: Optional[tuple[socket.socket, socket.socket]] = None
        # The frame in which KeyboardInterrupt is due; the main thread's.
        self._target: Optional[FrameType] = None
        atexit.register(self._end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._end)

    def begin(self) -> None:
        """Watches from now on, unless the program has its own handler for Ctrl-C.

        Only the main thread may set handlers; in others this does nothing.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        is_ours = self._is_ours()
        if not (
            is_ours or signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            return
        if self._sockets is None:
            self._sockets = socket.socketpair()
            for end in self._sockets:
                end.setblocking(False)
        ours = self._sockets[1].fileno()
        others = signal.set_wakeup_fd(ours, warn_on_full_buffer=False)
        if others not in (-1, ours):  # an event loop's, which needs it
            signal.set_wakeup_fd(others)
            return
        if not is_ours:
            self._forget()
            signal.signal(signal.SIGINT, self._interrupt)

    def is_pending(self) -> bool:
        """True if Ctrl-C was pressed and no KeyboardInterrupt was raised for it."""
        if self._sockets is None or not self._is_ours():
            return False
        try:
            return signal.SIGINT in self._sockets[0].recv(4096, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def _end(self) -> None:
        """Restores Python's handler: at the end, and in a forked child."""
        if self._sockets is None:
            return
        if self._is_ours():
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.set_wakeup_fd(-1)
        for end in self._sockets:
            end.close()
        self._sockets = None

    def _interrupt(self, _: int, frame: Optional[FrameType]) -> None:
        """Raises KeyboardInterrupt, at once or in the caller of fragile code."""
        target = _robust_frame(frame)
        if self._target is not None:  # the second Ctrl-C, which waits for nothing
            sys.settrace(None)
            self._raise()
        if target is None or sys.gettrace() is not None:  # a debugger's, say
            self._raise()
        self._target = target
        target.f_trace = self._trace
        sys.settrace(self._trace_call)

    def _trace(self, _: FrameType, __: str, ___: Any) -> None:
        self._raise()

    def _trace_call(self, frame: FrameType, _: str, __: Any) -> None:
        # `list(dataset)` has no event of its own for long, but calls `__next__` again.
        # What else is called may be a finalizer, whose errors Python ignores.
        is_next = frame.f_code.co_name == "__next__" and _is_fragile(frame)
        if is_next and frame.f_back is self._target:
            self._raise()

    def _raise(self) -> NoReturn:
        """Raises KeyboardInterrupt; Python ends the tracing when a tracer raises."""
        self._target = None
        self._forget()
        # Without the error that has ended TensorFlow's wait: it only says the same.
        raise KeyboardInterrupt from None

    def _is_ours(self) -> bool:
        return signal.getsignal(signal.SIGINT) == self._interrupt

    def _forget(self) -> None:
        assert self._sockets is not None
        with contextlib.suppress(BlockingIOError):
            while self._sockets[0].recv(4096):
                continue


def _robust_frame(frame: Optional[FrameType]) -> Optional[FrameType]:
    """Returns the caller of the fragile code that a frame is in, None for others."""
    target = None
    while frame is not None:
        is_fragile = _is_fragile(frame)
        frame = frame.f_back
        if is_fragile:
            target = frame
    return target


def _is_fragile(frame: FrameType) -> bool:
    name = frame.f_code.co_name
    qualified = f"{frame.f_globals.get('__name__')}.{name}"
    return name == "__del__" or qualified.startswith(_FRAGILE)


interrupt_watch = InterruptWatch()
