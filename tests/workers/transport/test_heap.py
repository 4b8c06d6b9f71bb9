"""Memory of the heap."""

from __future__ import annotations

import pytest

from seq2data.workers.transport.heap import HeapWriter
from seq2data.workers.transport.memory_files import ALIGNMENT


@pytest.mark.parametrize("nbytes", [1, 64, 1000, 100_000])
def test_heap_gives_aligned_memory_of_the_size_asked_for(nbytes: int) -> None:
    store = HeapWriter()
    numbers = [store.make(nbytes)[0] for _ in range(3)]
    assert len(set(numbers)) == 3
    for number in numbers:
        assert store.memory(number).nbytes == nbytes
        assert store.memory(number).ctypes.data % ALIGNMENT == 0


def test_heap_gives_no_memory_where_none_is_asked_for() -> None:
    assert HeapWriter().make(0)[1].nbytes == 0


def test_pieces_of_the_heap_do_not_overlap() -> None:
    store = HeapWriter()
    memories = [store.make(100)[1] for _ in range(4)]
    for value, memory in enumerate(memories):
        memory[:] = value
    assert [set(memory.tolist()) for memory in memories] == [{0}, {1}, {2}, {3}]
