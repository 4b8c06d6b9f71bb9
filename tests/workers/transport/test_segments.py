from __future__ import annotations

import errno
import gc
import os
import pickle
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.workers.transport import segments as segments_module
from seq2data.workers.transport.memory_files import (
    ALIGNMENT,
    Mapping,
    aligned,
    make_file,
    write_file,
)
from seq2data.workers.transport.runs import Loan
from seq2data.workers.transport.segments import Segment, SegmentReader, SegmentWriter


@pytest.fixture
def descriptor() -> Iterator[int]:
    """Two pages of shared memory."""
    made = make_file(8192)
    yield made
    os.close(made)


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def mapped_files() -> int:
    return Path("/proc/self/maps").read_text().count("memfd:seq2data")


def sent_segment(store: SegmentWriter, nbytes: int) -> tuple[Segment, np.ndarray]:
    """A segment on both sides: the parent's, and the worker's memory."""
    number, memory = store.make(nbytes)
    ((sent, size),), (descriptor,) = store.take_unsent()
    assert sent == number
    return Segment(number, size, descriptor), memory


@pytest.mark.parametrize(
    ("nbytes", "expected"), [(0, 0), (1, 64), (63, 64), (64, 64), (65, 128), (128, 128)]
)
def test_size_is_rounded_up_to_the_alignment(nbytes: int, expected: int) -> None:
    assert ALIGNMENT == 64
    assert aligned(nbytes) == expected


def test_file_has_its_memory_before_anybody_writes(descriptor: int) -> None:
    status = os.fstat(descriptor)
    assert status.st_size == 8192
    assert status.st_blocks * 512 >= 8192


def test_file_is_not_handed_to_programs_that_are_started(descriptor: int) -> None:
    assert not os.get_inheritable(descriptor)


def test_file_has_no_name(descriptor: int) -> None:
    assert os.readlink(f"/proc/self/fd/{descriptor}").endswith("(deleted)")


@pytest.mark.parametrize("lacking", ["memfd_create", "posix_fallocate"])
def test_file_is_made_where_the_system_lacks_a_call(
    lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, lacking)
    made = make_file(8192)
    try:
        assert os.fstat(made).st_size == 8192
    finally:
        os.close(made)


def test_full_memory_is_an_error_that_tells_the_size_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    before = open_descriptors()
    with pytest.raises(OSError, match="12,345,678 bytes") as caught:
        make_file(12_345_678)
    assert caught.value.errno == errno.ENOSPC
    assert open_descriptors() == before


def test_mappings_of_one_file_show_the_same_memory(descriptor: int) -> None:
    one, other = Mapping(descriptor, 8192).memory(), Mapping(descriptor, 8192).memory()
    one[[0, 8191]] = 7, 9
    assert other[[0, 8191]].tolist() == [7, 9]


def test_private_mapping_keeps_its_writes_to_itself(descriptor: int) -> None:
    shared = Mapping(descriptor, 8192).memory()
    private = Mapping(descriptor, 8192, is_private=True).memory()
    shared[0] = 1
    assert private[0] == 1
    private[0] = 2
    assert shared[0] == 1


def test_mapping_keeps_no_descriptor() -> None:
    made = make_file(8192)
    mapping = Mapping(made, 8192)
    os.close(made)
    mapping.memory()[8191] = 5
    assert mapping.memory()[8191] == 5


def test_arrays_keep_the_mapping_when_all_else_is_gone() -> None:
    before = mapped_files()
    made = make_file(8192)
    array = Mapping(made, 8192).memory()[64:128].view(np.int32)
    os.close(made)
    gc.collect()
    assert mapped_files() == before + 1
    array[:] = 3
    assert array.sum() == 3 * 16
    del array
    gc.collect()
    assert mapped_files() == before


def test_mapping_that_fails_tells_the_size(descriptor: int) -> None:
    os.close(descriptor)
    try:
        with pytest.raises(OSError, match="8,192 bytes") as caught:
            Mapping(descriptor, 8192)
    finally:
        assert make_file(8192) == descriptor  # for the fixture to close
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("nbytes", [0, 1, 4096, 4097, 100_000])
def test_store_gives_at_least_what_was_asked_for(nbytes: int) -> None:
    store = SegmentWriter()
    number, memory = store.make(nbytes)
    assert memory.dtype == np.uint8
    assert memory.nbytes >= nbytes
    (told,), (descriptor,) = store.take_unsent()
    assert told == (number, memory.nbytes)
    assert os.fstat(descriptor).st_size == memory.nbytes
    os.close(descriptor)


def test_store_numbers_its_segments_and_never_again_the_same() -> None:
    store = SegmentWriter()
    first = store.make(10)[0]
    store.drop((first,))
    second = store.make(10)[0]
    assert first != second
    for descriptor in store.take_unsent()[1]:
        os.close(descriptor)


def test_store_finds_a_segment_again() -> None:
    store = SegmentWriter()
    segment, memory = sent_segment(store, 100)
    memory[0] = 7
    assert store.memory(segment.number)[0] == 7


def test_segments_are_told_to_the_parent_once() -> None:
    store = SegmentWriter()
    sent_segment(store, 100)
    assert store.take_unsent() == ((), [])


def test_dropped_segment_is_unmapped() -> None:
    before = mapped_files()
    store = SegmentWriter()
    segment, memory = sent_segment(store, 100)
    number = segment.number
    del segment, memory
    assert mapped_files() == before + 1
    store.drop((number,))
    gc.collect()
    assert mapped_files() == before
    with pytest.raises(KeyError):
        store.memory(number)


def test_parent_sees_what_the_worker_writes() -> None:
    segment, memory = sent_segment(SegmentWriter(), 100)
    lease = segment.lease(lambda _: None)
    memory[:3] = 1, 2, 3
    assert lease[:3].tolist() == [1, 2, 3]
    assert lease.nbytes == memory.nbytes


def test_segment_keeps_no_descriptor() -> None:
    before = open_descriptors()
    segment, _ = sent_segment(SegmentWriter(), 100)
    assert open_descriptors() == before
    assert segment.lease(lambda _: None)[0] == 0


def test_segment_that_cannot_be_mapped_closes_its_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = open_descriptors()
    with pytest.raises(OSError, match="mapping"):
        Segment(0, 0, make_file(4096))
    assert open_descriptors() == before


VIEWS = {
    "slice": lambda lease: lease[64:128],
    "slice of a slice": lambda lease: lease[64:][:16][::2],
    "view": lambda lease: lease[:64].view(np.float32).reshape(4, 4).T,
    "ndarray": lambda lease: np.ndarray((2, 3), np.int16, buffer=lease, offset=64),
    "strided": lambda lease: np.lib.stride_tricks.as_strided(
        np.ndarray((3,), np.int16, buffer=lease), (2, 3), (64, 2)
    ),
    "memoryview": lambda lease: np.asarray(memoryview(lease)[:8]),
    "asarray": lambda lease: np.asarray(lease)[np.newaxis],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_segment_is_free_when_the_last_view_of_the_lease_is_gone(view: Any) -> None:
    freed: list[Segment] = []
    segment, _ = sent_segment(SegmentWriter(), 4096)
    lease = segment.lease(freed.append)
    one, other = view(lease), view(lease)
    del lease
    gc.collect()
    assert freed == []
    del one
    gc.collect()
    assert freed == []
    del other
    gc.collect()
    assert freed == [segment]


def test_copy_of_a_view_does_not_keep_the_lease() -> None:
    freed: list[Segment] = []
    segment, memory = sent_segment(SegmentWriter(), 4096)
    memory[:4] = 1, 2, 3, 4
    lease = segment.lease(freed.append)
    copies = lease[:4].copy(), pickle.loads(pickle.dumps(lease[:4]))
    del lease
    gc.collect()
    assert freed == [segment]
    assert [copy.tolist() for copy in copies] == [[1, 2, 3, 4]] * 2


def test_segment_is_leased_again_and_again() -> None:
    freed: list[Segment] = []
    segment, memory = sent_segment(SegmentWriter(), 4096)
    for number in range(1, 4):
        memory[0] = number
        lease = segment.lease(freed.append)
        assert lease[0] == number
        del lease
        gc.collect()
        assert freed == [segment] * number


def test_lease_outlives_the_segment_and_the_worker() -> None:
    store = SegmentWriter()
    segment, memory = sent_segment(store, 4096)
    memory[0] = 7
    lease = segment.lease(lambda _: None)
    del store, segment, memory
    gc.collect()
    assert lease[0] == 7


def test_segments_of_an_answer_that_finds_no_room_are_used_again_or_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer, reader = SegmentWriter(), SegmentReader(0)
    sent = [writer.make(4096)[0] for _ in range(2)]
    segments, descriptors = writer.take_unsent()
    made = iter([segments_module.Mapping(descriptors[0], 4096)])

    def mapping(*_: Any) -> Any:
        found = next(made, None)
        if found is None:
            raise OSError("no room")
        return found

    with monkeypatch.context() as full:
        full.setattr(segments_module, "Mapping", mapping)
        with pytest.raises(OSError, match="no room"):
            reader.read((), segments, descriptors, Loan())
    assert reader.lend() == Loan(sent[0], (sent[1],))
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.parametrize("sizes", [[1], [64, 0, 65], [5_000_000, 3]])
def test_written_file_has_the_bytes_where_it_says(sizes: list[int]) -> None:
    pieces = [np.full(size, number + 1, np.uint8) for number, size in enumerate(sizes)]
    descriptor, offsets = write_file(pieces)
    try:
        assert len(offsets) == len(sizes)
        for piece, offset in zip(pieces, offsets):
            assert offset % ALIGNMENT == 0
            assert os.pread(descriptor, piece.nbytes, offset) == piece.tobytes()
    finally:
        os.close(descriptor)


def test_file_that_does_not_fit_is_an_error_and_leaves_no_descriptor() -> None:
    before = os.listdir("/proc/self/fd")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(OSError, match="no 200,000 bytes of shared memory"):
            write_file([np.zeros(200_000, np.uint8)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir("/proc/self/fd") == before
