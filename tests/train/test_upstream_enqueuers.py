"""What Keras's tests of its enqueuers check; UPSTREAM.md has the table."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.upstream import (  # noqa: E402
    Deadly,
    Faulty,
    Halving,
    Locked,
    Scaled,
    cycle,
    once,
)

pytestmark = pytest.mark.tensorflow

threads_and_processes = pytest.mark.parametrize(
    "use_multiprocessing", [False, True], ids=["threads", "processes"]
)


@pytest.fixture
def enqueuers(patched: None) -> Any:
    """Where ours are; Keras 2 keeps its own."""
    if IS_KERAS_3:
        return tf.keras.utils
    from seq2data.train import enqueuers

    return enqueuers


@contextlib.contextmanager
def started(enqueuer: Any, workers: int = 3) -> Iterator[Iterator[Any]]:
    enqueuer.start(workers, 10)
    try:
        yield enqueuer.get()
    finally:
        enqueuer.stop()


def values(batches: Iterator[np.ndarray], count: int) -> list[int]:
    return [int(next(batches)[0, 0]) for _ in range(count)]


@threads_and_processes
@pytest.mark.parametrize("wrap", [Locked, iter], ids=["locked", "not thread-safe"])
def test_generator_is_read_once_and_in_order(
    enqueuers: Any, use_multiprocessing: bool, wrap: Any
) -> None:
    """Keras has no order with threads, and with processes a copy in each of them."""
    enqueuer = enqueuers.GeneratorEnqueuer(
        wrap(cycle(Scaled(20))), use_multiprocessing=use_multiprocessing
    )
    with started(enqueuer) as batches:
        assert values(batches, 50) == [step % 20 for step in range(50)]


@threads_and_processes
def test_generator_that_ends_ends_the_batches(
    enqueuers: Any, use_multiprocessing: bool
) -> None:
    source = Locked(once(Scaled(20)))
    enqueuer = enqueuers.GeneratorEnqueuer(source, use_multiprocessing)
    with started(enqueuer) as batches:
        assert [int(batch[0, 0]) for batch in batches] == list(range(20))


@threads_and_processes
def test_exception_of_a_generator_comes_out(
    enqueuers: Any, use_multiprocessing: bool
) -> None:
    enqueuer = enqueuers.GeneratorEnqueuer(
        Locked(cycle(Faulty(20, missing=3))), use_multiprocessing
    )
    with started(enqueuer) as batches:
        assert values(batches, 3) == [0, 1, 2]
        with pytest.raises(IndexError, match="no such batch"):
            next(batches)
        assert not enqueuer.is_running()


@threads_and_processes
def test_sequence_is_read_in_order(enqueuers: Any, use_multiprocessing: bool) -> None:
    enqueuer = enqueuers.OrderedEnqueuer(Scaled(40), use_multiprocessing)
    with started(enqueuer) as batches:
        assert values(batches, 40) == list(range(40))


def test_shuffled_sequence_has_another_order_in_each_pass(enqueuers: Any) -> None:
    random.seed(5)
    with started(enqueuers.OrderedEnqueuer(Scaled(40), shuffle=True)) as batches:
        got = [values(batches, 40) for _ in range(2)]
    random.seed(5)
    order = list(range(40))
    random.shuffle(order)
    assert got[0] == order != list(range(40))
    random.shuffle(order)  # what Keras 2.15 shuffled before it shuffles again
    assert got[1] == [3 * index for index in order]


@threads_and_processes
def test_exception_of_a_sequence_comes_out(
    enqueuers: Any, use_multiprocessing: bool
) -> None:
    enqueuer = enqueuers.OrderedEnqueuer(Faulty(40), use_multiprocessing)
    with started(enqueuer) as batches:
        with pytest.raises(IndexError) as caught:
            next(batches)
        assert caught.value.args == (0, "no such batch")
        assert not enqueuer.is_running()


@threads_and_processes
def test_next_pass_sees_what_the_hook_has_changed(
    enqueuers: Any, use_multiprocessing: bool
) -> None:
    enqueuer = enqueuers.OrderedEnqueuer(Scaled(40), use_multiprocessing)
    with started(enqueuer) as batches:
        assert values(batches, 40) == list(range(40))
        assert values(batches, 40) == [3 * index for index in range(40)]


def test_two_enqueuers_at_once_keep_their_sources_apart(enqueuers: Any) -> None:
    ones = enqueuers.OrderedEnqueuer(Scaled(20), use_multiprocessing=True)
    sevens = enqueuers.OrderedEnqueuer(Scaled(20, 7), use_multiprocessing=True)
    with started(ones, 2) as some, started(sevens, 2) as others:
        assert values(some, 20) == list(range(20))
        assert values(others, 20) == [7 * index for index in range(20)]
        assert values(some, 3) == [0, 3, 6]
        assert values(others, 3) == [0, 21, 42]


def test_sequence_may_change_its_length_between_passes(enqueuers: Any) -> None:
    source = Halving(20)
    enqueuer = enqueuers.OrderedEnqueuer(source)
    with started(enqueuer) as batches:
        assert values(batches, 20) == list(range(20))
        enqueuer.join_end_of_epoch()
        assert len(source) == 10
        assert values(batches, 10) == [3 * index for index in range(10)]
        assert values(batches, 5) == [9 * index for index in range(5)]


class Awaited(Scaled):
    """Batch 0 of the first pass takes as long as the five after it."""

    def __init__(self) -> None:
        super().__init__(10)
        self.others = threading.Semaphore(0)
        self.is_first = True

    def __getitem__(self, index: int) -> np.ndarray:
        if index == 0 and self.is_first:
            self.is_first = False
            for _ in range(5):
                assert self.others.acquire(timeout=60)
        self.others.release()
        return super().__getitem__(index)

    def on_epoch_end(self) -> None:
        """The scale stays."""


def test_slow_batch_is_waited_for_while_others_are_read(enqueuers: Any) -> None:
    """Keras 2.3 warns after 30 s and reads it again; tests/pipeline has our warning."""
    with started(enqueuers.OrderedEnqueuer(Awaited()), 5) as batches:
        assert values(batches, 20) == [*range(10), *range(10)]


def test_batch_of_a_dead_worker_is_read_again(enqueuers: Any, tmp_path: Path) -> None:
    source = Deadly(20, tmp_path / "died")
    enqueuer = enqueuers.OrderedEnqueuer(source, use_multiprocessing=True)
    with started(enqueuer) as batches:
        assert values(batches, 20) == list(range(20))
    assert source.marker.exists()
