"""The rules that every transport keeps: `seq2data.workers.transport.protocol`."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.source.structure import flatten
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import BatchRun, Task
from seq2data.workers.transport.heap import HEAP
from seq2data.workers.transport.layout import BatchWriter
from seq2data.workers.transport.protocol import (
    Transport,
    TransportReader,
    TransportWriter,
)
from seq2data.workers.transport.runs import Loan
from seq2data.workers.transport.segments import SEGMENTS
from tests.sources import Squares
from tests.workers.transport.file_transport import FILES

_LIMIT_S = 60.0
KINDS = {"heap": HEAP, "segments": SEGMENTS, "files": FILES}
BETWEEN_PROCESSES = {"segments": SEGMENTS, "files": FILES}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param


class Growing(Squares):
    """Each batch is larger than the one before it."""

    def __getitem__(self, index: int) -> Any:
        return np.full((index + 1, 300), index, np.float32), [f"batch {index}"]


def cross(
    writer: TransportWriter,
    reader: TransportReader,
    batches: Sequence[Any],
    loan: Loan,
) -> list[BatchRun]:
    """Writes an answer and reads it, as the two sides of a pool do."""
    written = BatchWriter(writer, loan, len(batches))
    for batch in batches:
        written.add(*flatten(batch))
    segments, descriptors = writer.take_unsent()
    received = [os.dup(descriptor) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    return list(reader.read(written.runs(), segments, received, loan))


def values(runs: Sequence[BatchRun]) -> list[Any]:
    return [
        [np.asarray(array[position]).tolist() for array in run.arrays]
        for run in runs
        for position in range(run.count)
    ]


def plain(batches: Sequence[Any]) -> list[Any]:
    return [[array.tolist() for array in flatten(batch)[1]] for batch in batches]


def test_batches_are_read_as_they_were_written(transport: Transport) -> None:
    writer, reader = transport.writer(), transport.reader(2)
    batches = [
        (np.full((2, 5), index), {"text": np.array([b"a", b"bc"], object)})
        for index in range(4)
    ]
    runs = cross(writer, reader, batches, reader.lend())
    assert values(runs) == plain(batches)


def test_arrays_lie_at_multiples_of_64_bytes(transport: Transport) -> None:
    writer, reader = transport.writer(), transport.reader(2)
    batch = np.zeros(3, np.int8), np.zeros((5, 7))
    (run,) = cross(writer, reader, [batch], reader.lend())
    if transport is not FILES:  # which copies, to wherever numpy likes
        assert [array.ctypes.data % 64 for array in run.arrays] == [0, 0]
    assert [array.strides[-1] for array in run.arrays] == [1, 8]


def test_later_answers_leave_arrays_alone_that_are_in_use(transport: Transport) -> None:
    writer, reader = transport.writer(), transport.reader(1)
    kept = []
    for index in range(6):
        batch = [np.full((2000, 3), index)]
        kept.append((batch, cross(writer, reader, batch, reader.lend())))
        if index == 2:
            del kept[1]
            gc.collect()
    assert [values(runs) == plain(batch) for batch, runs in kept] == [True] * 5


def test_loan_that_was_ended_is_lent_again_and_harms_nothing(
    transport: Transport,
) -> None:
    writer, reader = transport.writer(), transport.reader(1)
    for index in range(5):
        batch = [np.full((2000, 3), index)]
        reader.end_loan(reader.lend())
        runs = cross(writer, reader, batch, reader.lend())
        assert values(runs) == plain(batch)
    assert index == 4


def test_arrays_outlive_both_halves(transport: Transport) -> None:
    writer, reader = transport.writer(), transport.reader(1)
    batch = [np.arange(3000)]
    runs = cross(writer, reader, batch, reader.lend())
    del writer, reader
    gc.collect()
    assert values(runs) == plain(batch)


@pytest.mark.parametrize(
    "kind", BETWEEN_PROCESSES.values(), ids=list(BETWEEN_PROCESSES)
)
def test_pool_of_processes_reads_through_any_transport(
    kind: Transport, start_method: str
) -> None:
    source = Growing(12)
    pool = ProcessPool("Growing", 2, 2, start_method=start_method, transport=kind)
    try:
        pool.load(adapt(source))
        tasks = [Task(0, None, (index, index + 1)) for index in range(0, 12, 2)]
        for task in tasks:
            pool.submit(task)
        results = [task.future.result(_LIMIT_S) for task in tasks]
    finally:
        pool.close()
    assert [result.error for result in results] == [None] * 6
    found = [batch for result in results for batch in values(result.runs)]
    assert found == plain([source[index] for index in range(12)])
