"""Reads the batches of one task, in a process or in a thread."""

from __future__ import annotations

import time
from typing import Any, Callable, Optional

from seq2data.source.generator import EndOfDataError
from seq2data.source.structure import flatten
from seq2data.workers.transport.layout import BatchWriter
from seq2data.workers.wire.messages import Failure, Result


def read_task(
    read: Callable[[int], Any],
    indices: tuple[int, ...],
    writer: BatchWriter,
    failure_of: Callable[[BaseException, int], Failure],
) -> Result:
    """Reads batches and writes them, up to the first that cannot be read.

    Args:
        read: Gives the batch of an index; may raise anything.
        indices: The batches.
        writer: Writes them.
        failure_of: Describes what `read` has raised, and for which index.
    """
    started = time.perf_counter()
    failure: Optional[Failure] = None
    is_exhausted = False
    for index in indices:
        try:
            structure, arrays = flatten(read(index))
            writer.add(structure, arrays)
        except EndOfDataError:
            is_exhausted = True
            break
        except BaseException as error:  # noqa: BLE001  # `sys.exit` ends no worker
            failure = failure_of(error, index)
            break
    seconds = time.perf_counter() - started
    return Result(writer.runs(), seconds, failure, is_exhausted)
