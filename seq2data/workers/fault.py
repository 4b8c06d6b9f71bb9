"""Tells faults of seq2data from exceptions of user code."""

from __future__ import annotations

from seq2data.errors import Seq2DataError
from seq2data.exception_text import traceback_object

STATUS = 113
"""The exit code of a child that a fault, or a signal's handler, has ended."""
OURS = "this is a fault of seq2data; please report it with this traceback"
# Modules that call no user code. In others (`source`, the reducers, where the source is
# unpickled) an error comes from the objects that the user has passed.
_MACHINERY = (
    "seq2data.plan.chunks",
    "seq2data.plan.epochs",
    "seq2data.plan.generator_kinds",
    "seq2data.plan.mersenne_twister",
    "seq2data.plan.own_generators",
    "seq2data.plan.permutation",
    "seq2data.plan.seeds",
    "seq2data.workers.wire.channel",
    "seq2data.workers.wire.recall",
    "seq2data.workers.child.exit",
    "seq2data.workers.child.first_read",
    "seq2data.workers.child.worker",
    "seq2data.workers.child.fork_server",
    "seq2data.workers.read_task",
    "seq2data.workers.system.sentinel",
    "seq2data.workers.wire.stacks",
    "seq2data.workers.transport.",
)


def is_fault(error: BaseException) -> bool:
    """True if seq2data's own code has raised an exception that it should not.

    Errors of the system (no memory, no file) and errors of `seq2data.errors` are none.
    """
    # Not `isinstance`, which asks an exception of the user's for its `__class__`.
    if issubclass(type(error), (OSError, MemoryError, Seq2DataError)):
        return False
    trace = traceback_object(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return f"{name}.".startswith(_MACHINERY)
