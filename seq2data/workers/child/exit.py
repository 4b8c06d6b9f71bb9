"""Ends child processes, in order or with an exception.

Exceptions of user code are caught where that is called. An exception that comes out of
a child's main function is a fault of seq2data, or was raised by user code that Python
has run in between, such as a signal's handler. Each is reported with its traceback, on
stderr and to the training process.
"""

from __future__ import annotations

import contextlib
import os
from typing import Callable, NoReturn

from seq2data.exception_text import traceback_of
from seq2data.workers.fault import OURS, STATUS, is_fault
from seq2data.workers.wire.channel import Channel
from seq2data.workers.wire.messages import Fault

_STDERR = 2


def run_to_exit(channel: Channel, main: Callable[[], object]) -> NoReturn:
    """Runs the main function of a child process, and ends the process.

    The interpreter's own exit is left out: the user's finalizers belong to the training
    process. What `main` raises is sent there, if it can be sent.
    """
    status = STATUS
    try:
        main()
        status = 0
    except BaseException as error:  # noqa: BLE001  # this is the outermost frame
        _report(channel, error)
    finally:
        os._exit(status)


def _report(channel: Channel, error: BaseException) -> None:
    text = _described(error)
    with contextlib.suppress(OSError):  # stderr may be closed, or full
        os.write(_STDERR, f"{text}\n".encode(errors="backslashreplace"))
    with contextlib.suppress(EOFError, OSError):
        channel.send(Fault(text))


def _described(error: BaseException) -> str:
    origin = (
        OURS
        if is_fault(error)
        else "code of the program's own raised this outside of `__getitem__`, "
        "a signal's handler perhaps"
    )
    return f"{origin}:\n{traceback_of(error).rstrip()}"
