"""Reads what a script has, kind by kind, in a worker and by plain indexing."""

from __future__ import annotations

import sys
from typing import Any, Callable

import numpy as np

from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task

NUM_BATCHES = 2
# Ends a program that waits in vain.
_PATIENCE_S = 120

Kinds = dict[str, Callable[[int], Any]]


def holding(value: Any, read: Callable[[Any, int], Any]) -> Callable[[int], Any]:
    """A kind that has a value and reads it."""
    return Holding(value, read)


class Holding:
    def __init__(self, value: Any, read: Callable[[Any, int], Any]) -> None:
        self.value = value
        self.read = read

    def __call__(self, index: int) -> Any:
        return self.read(self.value, index)


class Source:
    def __init__(self, kind: Callable[[int], Any]) -> None:
        self.kind = kind

    def __len__(self) -> int:
        return NUM_BATCHES

    def __getitem__(self, index: int) -> np.ndarray:
        return np.asarray(self.kind(index), float)


def report(kinds: Kinds) -> None:
    """Prints how many kinds there are, and those that a worker reads otherwise.

    Each is sent twice, before the script itself has used it and afterwards; the second
    time there must be nothing that a third would send again.
    """
    wrong = {}
    pool = ProcessPool("Source", 1, 4, start_method=sys.argv[1])
    for name, kind in kinds.items():
        source = adapt(Source(kind))
        found = [_read(pool, source)]
        expected = [source.read(index).tolist() for index in range(NUM_BATCHES)]
        found.append(_read(pool, source))
        if found != [expected] * 2:
            wrong[name] = found
        payload = pack(source, pack(source, None))
        [source.read(index) for index in range(NUM_BATCHES)]
        if pack(source, payload) is not payload:
            wrong[name] = "is sent again"
    pool.close()
    print(f"{len(kinds)} kinds, wrong: {wrong}")


def _read(pool: ProcessPool, source: Any) -> Any:
    try:
        pool.load(source)
        task = Task(0, None, tuple(range(NUM_BATCHES)))
        pool.submit(task)
        result = task.future.result(_PATIENCE_S)
    except Exception as error:  # noqa: BLE001  # it is the kind's answer
        return repr(error)
    if result.error is not None:
        return repr(result.error)
    return [
        array[place].tolist()
        for run in result.runs
        for place in range(run.count)
        for array in run.arrays
    ]
