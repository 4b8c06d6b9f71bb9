"""The end of a child process: in order, or with an exception that nobody expected.

What the user's code raises is caught where it is called. What comes out of a child's
main function all the same is a fault of seq2data's own, or was raised by code of the
user's that Python has run in between (a signal's handler, say). Either is reported with
its traceback, on stderr and to the parent, and never as something else.
"""

from __future__ import annotations

import contextlib
import os
from typing import Callable, NoReturn

from seq2data.errors import Seq2DataError
from seq2data.exception_text import traceback_object, traceback_of
from seq2data.workers.channel import Channel
from seq2data.workers.messages import Fault

STATUS = 113
"""The exit code of a child that has ended so; means nothing else."""
OURS = "this is a fault of seq2data; please report it with this traceback"
_STDERR = 2
# What runs nothing of the user's. Elsewhere (in `source`, in the reducers, where the
# source is unpickled) an error is one of the objects that the user has passed.
_MACHINERY = (
    "seq2data.plan.",
    "seq2data.workers.channel",
    "seq2data.workers.claims",
    "seq2data.workers.first_read",
    "seq2data.workers.loop",
    "seq2data.workers.nursery",
    "seq2data.workers.reading",
    "seq2data.workers.sentinel",
    "seq2data.workers.stacks",
    "seq2data.workers.transport.",
)


def is_fault(error: BaseException) -> bool:
    """True if seq2data's own code has raised what it should not have.

    The system's refusals (of memory, a file) and seq2data's findings are none.
    """
    # Not `isinstance`, which asks an exception of the user's for its `__class__`.
    if issubclass(type(error), (OSError, MemoryError, Seq2DataError)):
        return False
    trace = traceback_object(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return f"{name}.".startswith(_MACHINERY)


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
