from __future__ import annotations

import pytest

from seq2data.plan.chunks import CHUNK_BYTES, ChunkSize, batches_per_chunk

MANY = 10**9


def after_reading(
    seconds: float, *, workers: int = 2, batch_bytes: int = 1
) -> ChunkSize:
    """A chunk size that has seen batches of `seconds` each for a while."""
    size = ChunkSize(workers)
    size.set_batch_bytes(batch_bytes)
    for _ in range(100):
        size.observe(seconds * 3, 3)
    return size


def all_chunks(size: ChunkSize, num_batches: int) -> list[int]:
    chunks = []
    while num_batches:
        chunks.append(size.next(num_batches))
        assert 1 <= chunks[-1] <= num_batches
        num_batches -= chunks[-1]
    return chunks


@pytest.mark.parametrize("batch_bytes", [0, 1, 1000, 100_000, CHUNK_BYTES])
def test_chunk_is_never_more_than_the_bytes_allow(batch_bytes: int) -> None:
    most = batches_per_chunk(batch_bytes)
    assert most >= 1
    assert most * batch_bytes <= CHUNK_BYTES
    assert after_reading(1e-7, batch_bytes=batch_bytes).next(MANY) == most


@pytest.mark.parametrize("batch_bytes", [100_000, 60_000, CHUNK_BYTES // 2])
def test_chunk_is_as_much_as_the_bytes_allow(batch_bytes: int) -> None:
    assert (batches_per_chunk(batch_bytes) + 1) * batch_bytes > CHUNK_BYTES


@pytest.mark.parametrize("batch_bytes", [CHUNK_BYTES + 1, 10**9])
def test_batch_larger_than_a_chunk_goes_alone(batch_bytes: int) -> None:
    assert batches_per_chunk(batch_bytes) == 1
    assert after_reading(1e-7, batch_bytes=batch_bytes).next(MANY) == 1


def test_nothing_is_taken_for_cheap_before_it_was_read() -> None:
    size = ChunkSize(2)
    size.set_batch_bytes(1)
    assert size.next(MANY) == 1


def test_batches_of_unknown_size_go_singly() -> None:
    size = ChunkSize(2)
    for _ in range(100):
        size.observe(1e-6, 1)
    assert size.next(MANY) == 1


def test_cheap_batches_go_many_at_a_time() -> None:
    assert after_reading(10e-6).next(MANY) >= 100


@pytest.mark.parametrize("seconds", [20e-6, 100e-6, 500e-6, 1e-3])
def test_chunk_is_worth_a_few_milliseconds(seconds: float) -> None:
    assert 2e-3 <= seconds * after_reading(seconds).next(MANY) <= 8e-3


@pytest.mark.parametrize("seconds", [5e-3, 0.1, 30.0])
def test_dear_batches_go_singly(seconds: float) -> None:
    assert after_reading(seconds).next(MANY) == 1


def test_batches_that_become_dear_go_singly_again() -> None:
    size = after_reading(10e-6)
    for _ in range(30):
        size.observe(0.05, 1)
    assert size.next(MANY) == 1


def test_one_slow_batch_does_not_end_chunks_for_good() -> None:
    size = after_reading(10e-6)
    size.observe(0.05, 1)
    for _ in range(40):
        size.observe(10e-6, 1)
    assert size.next(MANY) >= 100


def test_clock_that_stands_still_is_survived() -> None:
    size = after_reading(0.0)
    for _ in range(5000):
        size.observe(0.0, 1)
    assert size.next(MANY) == batches_per_chunk(1)


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
@pytest.mark.parametrize("num_batches", [1, 7, 100, 20_000])
def test_chunks_of_a_pass_add_up(workers: int, num_batches: int) -> None:
    chunks = all_chunks(after_reading(1e-6, workers=workers), num_batches)
    assert sum(chunks) == num_batches


@pytest.mark.parametrize("workers", [2, 3, 8, 64])
@pytest.mark.parametrize("num_batches", [100, 333, 5000])
def test_other_workers_find_work_when_one_takes_a_chunk(
    workers: int, num_batches: int
) -> None:
    size = after_reading(1e-6, workers=workers)
    left = num_batches
    for chunk in all_chunks(size, num_batches):
        left -= chunk
        assert chunk == 1 or left >= chunk * (workers - 1)
    assert left == 0


def test_tail_of_a_pass_is_shared_in_ever_smaller_chunks() -> None:
    chunks = all_chunks(after_reading(1e-6, workers=4), 1000)
    assert chunks[0] > 50
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[-4:] == [1, 1, 1, 1]
