from __future__ import annotations

import gc
import os
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seq2data.source.structure import flatten
from seq2data.workers.transport.heap import HeapWriter
from seq2data.workers.transport.layout import BatchWriter, read_runs
from seq2data.workers.transport.runs import Loan, Run, StoredLeaf
from seq2data.workers.transport.segments import SegmentWriter


class SharedStore(SegmentWriter):
    """A worker's store that keeps no descriptors, since nobody is sent any."""

    def make(self, nbytes: int) -> tuple[int, np.ndarray]:
        made = super().make(nbytes)
        for descriptor in self.take_unsent()[1]:
            os.close(descriptor)
        return made


@pytest.fixture(params=[HeapWriter, SharedStore])
def store(request: pytest.FixtureRequest) -> Any:
    return request.param()


def written(batches: Sequence[Any], store: Any, segment: Any = None) -> list[Run]:
    writer = BatchWriter(store, Loan(segment), len(batches))
    for batch in batches:
        writer.add(*flatten(batch))
    return list(writer.runs())


def read(run: Run, store: Any) -> list[np.ndarray]:
    memory = {run.segment: store.memory(run.segment)} if run.segment is not None else {}
    (batches,) = read_runs([run], memory)
    return list(batches.arrays)


def read_back(runs: Sequence[Run], store: Any) -> list[Any]:
    """The batches, one by one."""
    return [
        run.structure.pack(iter([array[position] for array in read(run, store)]))
        for run in runs
        for position in range(run.num_batches)
    ]


def told(value: Any) -> Any:
    """What can be compared: dtype, shape and values, in the same nesting."""
    if isinstance(value, (tuple, list)):
        return tuple(map(told, value))
    if isinstance(value, dict):
        return {key: told(part) for key, part in sorted(value.items())}
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind in "SUO":
        texts = [t.encode() if isinstance(t, str) else t for t in array.ravel()]
        return "text", array.shape, texts
    return array.dtype, array.shape, array.tobytes()


def numbers(*shape: int, dtype: str = "f4", start: int = 0) -> np.ndarray:
    return np.arange(start, start + int(np.prod(shape))).reshape(shape).astype(dtype)


EQUAL = [(numbers(5, 3, start=n), numbers(5, dtype="i8", start=n)) for n in range(4)]

BATCHES = {
    "equal": EQUAL,
    "single": EQUAL[:1],
    "other lengths": [numbers(n, 3) for n in (4, 4, 2, 4)],
    "other dtypes": [numbers(4, dtype=name) for name in ("f4", "f4", "f8", "i4", "?")],
    "other ranks": [numbers(4), numbers(4, 1), numbers(2, 2), numbers(4)],
    "other nestings": [numbers(4), (numbers(4),), {"x": numbers(4)}, None, numbers(4)],
    "scalars": [3, 4, np.float32(1), 2.5],
    "zero-size": [numbers(0, 3), numbers(0, 3), (numbers(4, 0), numbers(2))],
    "zero-size last": [(numbers(16), numbers(0)), (numbers(16), numbers(0))],
    "text": ["a", "bc", "ä"],
    "text arrays": [np.array(["a", "b"]), np.array(["xyz", ""]), np.array(["c"])],
    "text and numbers": [
        (numbers(3, start=n), np.array([f"{n}"] * 3)) for n in range(3)
    ],
    "nothing": [None, None, (None, ())],
    "ever larger": [numbers(n * n) for n in range(40)],
    "ever smaller": [numbers(n * n) for n in range(40, 0, -1)],
}


@pytest.mark.parametrize("batches", BATCHES.values(), ids=list(BATCHES))
def test_batches_come_back_as_they_were_written(batches: list[Any], store: Any) -> None:
    found = read_back(written(batches, store), store)
    assert told(found) == told(batches)


def test_sparse_batches_come_back_as_they_were_written(store: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    batches = [sparse.eye(n, 5, dtype="f4", format="csr") for n in (3, 3, 4)]
    runs = written(batches, store)
    found = [
        [array[position] for array in read(run, store)]
        for run in runs
        for position in range(run.num_batches)
    ]
    assert len(found) == len(batches)
    for (indices, values, shape), batch in zip(found, batches):
        dense = np.zeros(shape, values.dtype)
        dense[indices[:, 0], indices[:, 1]] = values
        assert told(dense) == told(batch.toarray())


@pytest.mark.parametrize("seed", range(8))
def test_any_mixture_of_batches_comes_back(seed: int, store: Any) -> None:
    choice = random.Random(seed)
    kinds = [numbers(4, 3), numbers(17, dtype="u1"), numbers(0), "text", None, 2.5]
    shape = [choice.randrange(4) for _ in range(3)]
    batches = []
    for _ in range(choice.randrange(1, 30)):
        if choice.random() < 0.3:
            shape = [choice.randrange(4) for _ in range(3)]
        batches.append({f"{n}": kinds[kind] for n, kind in enumerate(shape)})
    assert told(read_back(written(batches, store), store)) == told(batches)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("equal", [4]),
        ("single", [1]),
        ("other lengths", [2, 1, 1]),
        ("other dtypes", [2, 1, 1, 1]),
        ("other ranks", [1, 1, 1, 1]),
        ("other nestings", [1, 1, 1, 1, 1]),
        ("scalars", [2, 1, 1]),
        ("zero-size", [2, 1]),
        ("zero-size last", [2]),
        ("text", [3]),
        ("text arrays", [2, 1]),
        ("text and numbers", [3]),
        ("nothing", [2, 1]),
    ],
)
def test_equal_batches_in_a_row_form_a_run(
    names: str, expected: list[int], store: Any
) -> None:
    assert [run.num_batches for run in written(BATCHES[names], store)] == expected


def test_array_of_a_run_is_all_batches_in_one(store: Any) -> None:
    (run,) = written(EQUAL, store)
    x, y = read(run, store)
    assert told(x) == told(np.stack([batch[0] for batch in EQUAL]))
    assert told(y) == told(np.stack([batch[1] for batch in EQUAL]))


def test_array_of_a_run_is_the_memory_itself(store: Any) -> None:
    (run,) = written(EQUAL, store)
    arrays = read(run, store)
    assert len(arrays) == 2
    for array in arrays:
        assert np.shares_memory(array, store.memory(run.segment))


@pytest.mark.parametrize(
    "batches",
    [BATCHES[name] for name in ("equal", "zero-size", "scalars", "ever larger")],
)
def test_every_array_lies_at_a_multiple_of_64_bytes(
    batches: list[Any], store: Any
) -> None:
    runs = written(batches, store)
    assert runs
    for run in runs:
        assert run.stride % 64 == 0
        assert all(leaf.offset % 64 == 0 for leaf in run.leaves)
        for array in read(run, store):
            places = [
                array[n, ...].ctypes.data for n in range(run.num_batches) if array.size
            ]
            assert {place % 64 for place in places} <= {0}


def test_copies_of_an_array_lie_a_stride_apart(store: Any) -> None:
    (run,) = written(EQUAL, store)
    x, y = read(run, store)
    assert x.strides[0] == y.strides[0] == run.stride
    # 60 bytes and 40 bytes, each rounded up to 64.
    assert run.stride == 128
    assert [leaf.offset for leaf in run.leaves] == [0, 64]


def test_arrays_do_not_overlap(store: Any) -> None:
    found = read_back(written(EQUAL, store), store)
    arrays = [array for batch in found for array in batch]
    assert len(arrays) == 2 * len(EQUAL)
    for position, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[:position])


def test_runs_of_several_batches_cannot_be_written(store: Any) -> None:
    """Their last bytes belong to the next leaf."""
    (run,) = written(EQUAL, store)
    assert not any(array.flags.writeable for array in read(run, store))


@pytest.mark.parametrize(
    "array",
    [
        numbers(6, 4)[::2, 1:],
        np.asfortranarray(numbers(5, 3)),
        numbers(4, 3)[::-1],
        np.broadcast_to(np.float32(7), (3, 2)),
        numbers(3, dtype=">f4"),
        np.frombuffer(b"\1\0\0\0" * 3, "<i4"),
    ],
    ids=["sliced", "fortran", "reversed", "broadcast", "big-endian", "read-only"],
)
def test_array_of_any_memory_layout_comes_back_contiguous(
    array: np.ndarray, store: Any
) -> None:
    (found,) = read_back(written([array], store), store)
    assert found.flags.c_contiguous
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.tolist() == array.tolist()


def test_extended_float_comes_back(store: Any) -> None:
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    batches = [numbers(5, start=n).astype(bfloat16) for n in range(3)]
    assert told(read_back(written(batches, store), store)) == told(batches)


def test_buffer_may_be_used_again_for_the_next_batch(store: Any) -> None:
    buffer = np.zeros(4)
    writer = BatchWriter(store, Loan(), 3)
    for value in range(3):
        buffer[:] = value
        writer.add(*flatten(buffer))
    found = read_back(writer.runs(), store)
    assert [batch.tolist() for batch in found] == [[0.0] * 4, [1.0] * 4, [2.0] * 4]


def test_equal_batches_share_one_segment(store: Any) -> None:
    assert len({run.segment for run in written(EQUAL, store)}) == 1


def test_free_segment_is_written_into(store: Any) -> None:
    segment, memory = store.make(4096)
    (run,) = written(EQUAL, store, segment)
    assert run.segment == segment
    assert all(np.shares_memory(array, memory) for array in read(run, store))


def test_what_does_not_fit_into_the_free_segment_goes_into_a_new_one(
    store: Any,
) -> None:
    segment, _ = store.make(4096)
    batches = [numbers(100), numbers(2000), numbers(2000)]
    runs = written(batches, store, segment)
    assert runs[0].segment == segment
    assert segment not in {run.segment for run in runs[1:]}
    assert told(read_back(runs, store)) == told(batches)


def test_new_segment_has_room_for_all_batches_that_will_come(store: Any) -> None:
    batches = [numbers(5000, start=n) for n in range(8)]
    runs = written(batches, store)
    assert [run.num_batches for run in runs] == [8]


def test_run_does_not_cross_into_another_segment(store: Any) -> None:
    segment, memory = store.make(4096)
    fitting = memory.nbytes // 1024
    batches = [numbers(256, start=n) for n in range(fitting + 2)]
    runs = written(batches, store, segment)
    assert [run.num_batches for run in runs] == [fitting, 2]
    assert told(read_back(runs, store)) == told(batches)


@pytest.mark.parametrize("batches", [BATCHES["text"], BATCHES["nothing"]])
def test_batches_without_numbers_need_no_memory(batches: list[Any], store: Any) -> None:
    assert {run.segment for run in written(batches, store)} == {None}


def test_text_after_numbers_begins_a_run(store: Any) -> None:
    """So that the spec is what reports it."""
    batches = [numbers(3), np.array(["a", "b", "c"])]
    assert told(read_back(written(batches, store), store)) == told(batches)


def test_numbers_after_text_begin_a_run(store: Any) -> None:
    batches = [np.array(["a", "b", "c"]), numbers(3)]
    assert told(read_back(written(batches, store), store)) == told(batches)


def test_marker_tells_the_place_of_the_first_batch() -> None:
    (run,) = written(EQUAL, HeapWriter())
    assert run.leaves[1] == StoredLeaf(64, np.dtype("i8"), (5,))


def test_arrays_keep_the_heap_alive() -> None:
    store = HeapWriter()
    found = read_back(written(EQUAL, store), store)
    del store
    gc.collect()
    assert told(found) == told(EQUAL)
