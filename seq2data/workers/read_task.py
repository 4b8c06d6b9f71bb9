"""Reads the batches of one task, whichever process or thread it runs in."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Optional

from seq2data.source.generator import EndOfDataError
from seq2data.source.structure import flatten
from seq2data.workers.transport.layout import BatchWriter
from seq2data.workers.transport.runs import Run


@dataclass(frozen=True)
class Reading:
    """What came of a task.

    Attributes:
        runs: The batches up to the first that could not be read.
        seconds: Spent on it.
        error: What the user's code raised, of any kind.
        error_index: Where.
        is_exhausted: Whether a generator came to its end.
    """

    runs: tuple[Run, ...]
    seconds: float
    error: Optional[BaseException] = None
    error_index: Optional[int] = None
    is_exhausted: bool = False


def read_batches(
    read: Callable[[int], Any], indices: tuple[int, ...], writer: BatchWriter
) -> Reading:
    """Reads and writes the batches of `indices`; never raises what `read` raises."""
    started = time.perf_counter()
    error: Optional[BaseException] = None
    error_index: Optional[int] = None
    is_exhausted = False
    for index in indices:
        try:
            structure, arrays = flatten(read(index))
            writer.add(structure, arrays)
        except EndOfDataError:
            is_exhausted = True
            break
        except BaseException as raised:  # noqa: BLE001  # sys.exit must not kill us
            error, error_index = raised, index
            break
    seconds = time.perf_counter() - started
    return Reading(writer.runs(), seconds, error, error_index, is_exhausted)
