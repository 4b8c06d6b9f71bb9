"""Writes the arrays of batches into segments, and finds them there again.

Batches lie one behind the other, each array at a multiple of 64 bytes. Consecutive
batches of equal structure, dtypes and shapes form a run, so that one array's copies lie
a constant stride apart and the parent sees them as a single array `[count, ...]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seq2data.source.structure import Structure
from seq2data.workers.task import BatchRun
from seq2data.workers.transport.memory_files import aligned
from seq2data.workers.transport.protocol import TransportWriter
from seq2data.workers.transport.runs import Loan, Run, StoredLeaf


class BatchWriter:
    """Writes the batches of one answer.

    Args:
        store: Gives the memory.
        loan: What the reader's half has sent with the task.
        expected: How many batches will come, for the size of a new segment.
    """

    def __init__(self, store: TransportWriter, loan: Loan, expected: int) -> None:
        store.drop(loan.dropped)
        self._store = store
        self._segment = loan.segment
        self._memory = None if loan.segment is None else store.memory(loan.segment)
        self._used = 0
        self._left = expected
        self._runs: list[Run] = []

    def add(self, structure: Structure, arrays: Sequence[np.ndarray]) -> None:
        """Copies one batch's arrays into place; they may change afterwards.

        Raises:
            OSError: There is no memory for them.
        """
        sizes = [aligned(a.nbytes) for a in arrays if a.dtype != object]
        stride = sum(sizes)
        if sizes:
            self._make_room(stride)
        leaves = tuple(self._write(array) for array in arrays)
        self._left -= 1
        if not self._extend_run(structure, leaves, stride):
            run = Run(1, structure, self._segment, stride, _wrapped(leaves))
            self._runs.append(run)

    def runs(self) -> tuple[Run, ...]:
        """Returns what was written."""
        return tuple(self._runs)

    def _make_room(self, nbytes: int) -> None:
        if self._memory is None or self._used + nbytes > self._memory.nbytes:
            self._segment, self._memory = self._store.make(nbytes * self._left)
            self._used = 0

    def _write(self, array: np.ndarray) -> Any:
        if array.dtype == object:
            return array
        offset = self._used
        assert self._memory is not None
        place = _view(self._memory, array.dtype, array.shape, offset)
        np.copyto(place, array)
        self._used += aligned(array.nbytes)
        return StoredLeaf(offset, array.dtype, array.shape)

    def _extend_run(
        self, structure: Structure, leaves: tuple[Any, ...], stride: int
    ) -> bool:
        if not self._runs:
            return False
        run = self._runs[-1]
        matches = (
            run.segment == self._segment
            and run.structure == structure
            and all(
                map(
                    _continues,
                    run.leaves,
                    leaves,
                    [run.num_batches * stride] * len(leaves),
                )
            )
        )
        if matches:
            for texts, leaf in zip(run.leaves, leaves):
                if isinstance(texts, list):
                    texts.append(leaf)
            self._runs[-1] = run._replace(num_batches=run.num_batches + 1)
        return matches


def _wrapped(leaves: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x if isinstance(x, StoredLeaf) else [x] for x in leaves)


def _continues(before: Any, leaf: Any, distance: int) -> bool:
    if isinstance(before, list):
        return not isinstance(leaf, StoredLeaf) and bool(leaf.shape == before[0].shape)
    return isinstance(leaf, StoredLeaf) and bool(
        leaf == before._replace(offset=before.offset + distance)
    )


def _view(
    memory: np.ndarray, dtype: np.dtype, shape: tuple[int, ...], offset: int
) -> np.ndarray:
    view: np.ndarray = np.ndarray(shape, dtype, buffer=memory, offset=offset)
    return view


def read_runs(
    runs: Sequence[Run], memory: Mapping[int, np.ndarray]
) -> tuple[BatchRun, ...]:
    """Returns the batches; their numbers look into the memory of their segment."""
    batches = []
    for run in runs:
        segment = None if run.segment is None else memory[run.segment]
        arrays = []
        for leaf in run.leaves:
            if isinstance(leaf, list):
                arrays.append(_read_texts(leaf))
            else:
                assert segment is not None
                arrays.append(_read_leaf(run, leaf, segment))
        batches.append(BatchRun(run.num_batches, run.structure, arrays))
    return tuple(batches)


def _read_texts(batches: list[np.ndarray]) -> np.ndarray:
    texts = np.empty((len(batches), *batches[0].shape), dtype=object)
    for position, text in enumerate(batches):
        texts[position, ...] = text
    return texts


def _read_leaf(run: Run, leaf: StoredLeaf, memory: np.ndarray) -> np.ndarray:
    first: np.ndarray = np.ndarray(leaf.shape, leaf.dtype, memory, leaf.offset)
    if run.num_batches == 1:
        return first[np.newaxis]
    return np.lib.stride_tricks.as_strided(
        first,
        (run.num_batches, *leaf.shape),
        (run.stride, *first.strides),
        writeable=False,
    )
