"""What was not written to is recalled; the oracle is a copy of every byte."""

from __future__ import annotations

import mmap
import os
import random
import threading
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.workers.payload import payload, write_watch
from seq2data.workers.payload.write_watch import WriteWatch

PAGE = mmap.PAGESIZE
BIG = 3 << 20  # bytes, above what is worth watching


@pytest.fixture
def watch() -> WriteWatch[str]:
    made: WriteWatch[str] = WriteWatch()
    if made._descriptor is None:
        pytest.skip(
            "this kernel keeps no count of writes, or this container forbids it"
        )
    return made


def recall(watch: WriteWatch[str], *arrays: np.ndarray) -> list[str | None]:
    """What is recalled; the arrays are read then, and their names noted."""
    found = watch.recall(arrays)
    for array in arrays:
        array.sum()
    watch.note(arrays, "abcdefgh")
    return found


def zeros(nbytes: int = BIG) -> np.ndarray:
    """Pages of its own: whatever else is on an array's pages counts as the array."""
    memory = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, np.uint8)


def ones(nbytes: int = BIG) -> np.ndarray:
    array = zeros(nbytes)
    array[:] = 1
    return array


def test_unknown_memory_recalls_nothing(watch: WriteWatch[str]) -> None:
    assert recall(watch, ones(), ones()) == [None, None]


def test_what_was_not_written_to_is_recalled_time_after_time(
    watch: WriteWatch[str],
) -> None:
    first, second = ones(), zeros()
    recall(watch, first, second)
    for _ in range(3):
        assert recall(watch, first, second) == ["a", "b"]


@pytest.mark.parametrize("place", [0, PAGE, BIG // 2, BIG - 1])
@pytest.mark.parametrize("make", [ones, zeros])
def test_a_byte_that_was_written_anywhere_is_seen(
    watch: WriteWatch[str], make: Callable[[], np.ndarray], place: int
) -> None:
    array, other = make(), ones()
    recall(watch, array, other)
    array[place] += 1
    assert recall(watch, array, other) == [None, "b"]
    assert recall(watch, array, other) == ["a", "b"]


def test_what_the_kernel_writes_is_seen(watch: WriteWatch[str]) -> None:
    array = ones()
    recall(watch, array)
    with open("/dev/zero", "rb", buffering=0) as zeros:
        zeros.readinto(memoryview(array)[PAGE : PAGE + 10])
    assert recall(watch, array) == [None]


def test_what_another_thread_writes_is_seen(watch: WriteWatch[str]) -> None:
    array = ones()
    recall(watch, array)
    writer = threading.Thread(target=array.fill, args=[2])
    writer.start()
    writer.join()
    assert recall(watch, array) == [None]


def test_write_between_recall_and_note_is_seen_the_next_time(
    watch: WriteWatch[str],
) -> None:
    array = ones()
    watch.recall([array])
    array[7] = 2
    watch.note([array], ["old"])
    assert watch.recall([array]) == [None]


def test_nothing_is_recalled_that_was_not_noted_the_last_time(
    watch: WriteWatch[str],
) -> None:
    array = ones()
    recall(watch, array)
    watch.recall([array])
    assert watch.recall([array]) == [None]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("place", [0, BIG - 1])
def test_views_of_one_memory_do_not_hide_each_others_writes(
    watch: WriteWatch[str], order: int, place: int
) -> None:
    array = ones()
    views = [array, array[: BIG // 2], array[BIG // 2 - 10 :]][::order]
    recall(watch, *views)
    array[place] = 2
    found = recall(watch, *views)
    assert len(found) == 3
    assert None in found
    for view, value in zip(views, found):
        start = view.ctypes.data - array.ctypes.data
        if start <= place < start + view.nbytes:
            assert value is None


def test_array_that_has_the_memory_of_another_is_not_taken_for_it(
    watch: WriteWatch[str],
) -> None:
    arena = ones(4 * BIG)
    recall(watch, arena[:BIG])
    recall(watch, arena[: 2 * BIG])  # the first is forgotten
    arena[0] = 2
    recall(watch, arena[: 2 * BIG])
    assert recall(watch, arena[:BIG]) == [None]


def test_memory_that_was_given_back_is_another_one(watch: WriteWatch[str]) -> None:
    array = ones()
    recall(watch, array)
    assert recall(watch, array) == ["a"]
    memory = array.base.obj if isinstance(array.base, memoryview) else array.base
    memory.madvise(mmap.MADV_DONTNEED)  # as an allocator may, before a calloc
    assert recall(watch, array) == [None]
    assert not array.any()


def test_memory_of_an_array_that_the_allocator_placed_is_recalled(
    watch: WriteWatch[str],
) -> None:
    array = np.ones(40 << 20, np.uint8)  # malloc maps so much by itself
    recall(watch, array)
    assert recall(watch, array) == ["a"]
    array[-1] = 2
    assert recall(watch, array) == [None]


@pytest.mark.parametrize("is_file", [True, False])
def test_memory_that_other_processes_may_write_is_never_recalled(
    watch: WriteWatch[str], tmp_path: Path, is_file: bool
) -> None:
    descriptor = -1
    if is_file:
        (tmp_path / "rows").write_bytes(bytes(BIG))
        descriptor = os.open(tmp_path / "rows", os.O_RDWR)
    memory = mmap.mmap(descriptor, BIG)
    array = np.frombuffer(memory, np.uint8)
    for _ in range(3):
        assert recall(watch, array) == [None]


def test_second_watch_of_the_same_memory_recalls_nothing(
    watch: WriteWatch[str],
) -> None:
    array = ones()
    recall(watch, array)
    other: WriteWatch[str] = WriteWatch()
    for _ in range(2):
        assert recall(other, array) == [None]
    assert recall(watch, array) == ["a"]
    del other


def test_descriptor_ends_with_the_watch() -> None:
    before = len(os.listdir("/proc/self/fd"))
    watch: WriteWatch[str] = WriteWatch()
    recall(watch, ones())
    del watch
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_recalled_is_right_after_writes_of_any_kind(
    watch: WriteWatch[str],
) -> None:
    chance = random.Random(5)
    arrays = [ones(), zeros(), ones(5 << 20)]
    arrays += [arrays[2][: 2 << 20], arrays[2][1 << 20 :]]
    sent = [array.copy() for array in arrays]
    recall(watch, *arrays)
    for step in range(60):
        for _ in range(chance.randrange(3)):
            array = chance.choice(arrays)
            array[chance.randrange(array.size)] = step % 250
        chosen = [number for number in range(5) if chance.random() < 0.9]
        found = recall(watch, *(arrays[number] for number in chosen))
        assert len(found) == len(chosen)
        for number, value in zip(chosen, found):
            if value is not None:
                assert np.array_equal(arrays[number], sent[number])
            sent[number] = arrays[number].copy()


def test_payload_does_not_look_at_what_was_not_written_to(
    watch: WriteWatch[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = []

    def equal(one: np.ndarray, other: np.ndarray) -> bool:
        looked_at.append(one.nbytes)
        return np.array_equal(one, other)

    source = {"rows": ones(), "more": ones(2 * BIG), "epoch": 0}
    first = payload.pack(source, None)
    monkeypatch.setattr(payload, "_equal", equal)
    source["epoch"] = 1
    second = payload.pack(source, first)
    assert second.load.buffers == first.load.buffers
    assert all(nbytes < BIG for nbytes in looked_at)
    source["more"][5] = 7
    third = payload.pack(source, second)
    assert BIG not in looked_at
    assert 2 * BIG in looked_at
    assert third.load.buffers[0] == first.load.buffers[0]
    assert third.load.buffers[1] != first.load.buffers[1]


def test_payload_compares_contents_where_writes_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(write_watch, "_open_userfaultfd", lambda: None)
    rows = ones()
    first = payload.pack([rows, 0], None)
    assert payload.pack([rows, 1], first).load.buffers == first.load.buffers
    rows[-1] = 5
    assert payload.pack([rows, 1], first).load.buffers != first.load.buffers


def test_payload_that_could_not_be_written_leaves_no_wrong_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = ones()
    first = payload.pack([rows], None)
    rows[0] = 2
    with monkeypatch.context() as full:

        def no_room(pieces: list[np.ndarray]) -> Any:
            raise OSError(f"no room for {len(pieces)}")

        full.setattr(payload, "write_file", no_room)
        with pytest.raises(OSError, match="no room for 2"):
            payload.pack([rows], first)
    second = payload.pack([rows], first)
    assert (
        second.files[second.load.buffers[0].file].view(second.load.buffers[0])[0] == 2
    )
