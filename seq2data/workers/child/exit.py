"""The end of a child process."""

from __future__ import annotations

import contextlib
import os
from typing import Callable, NoReturn

from seq2data.exception_text import traceback_of
from seq2data.workers.fault import OURS, STATUS, is_fault
from seq2data.workers.wire.channel import Channel
from seq2data.workers.wire.messages import Fault


def run_to_exit(channel: Channel, main: Callable[[], object]) -> NoReturn:
    """Runs the main function of a child process, and ends the process.

    It never returns into the interpreter's exit: the user's finalizers belong to the
    parent. What `main` raises is told to the parent, if that can be told.
    """
    status = STATUS
    try:
        main()
        status = 0
    except BaseException as error:  # noqa: BLE001  # nobody is left to raise it to
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
    where = traceback_of(error)
    who = (
        OURS
        if is_fault(error)
        else "code of the program's own raised this outside of `__getitem__`, "
        "a signal's handler perhaps"
    )
    return f"{who}:\n{where.rstrip()}"


_STDERR = 2
