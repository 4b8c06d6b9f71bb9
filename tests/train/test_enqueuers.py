"""`OrderedEnqueuer` and `GeneratorEnqueuer`, beyond what Keras's own tests check."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from seq2data.train.enqueuers import (  # noqa: E402
    GeneratorEnqueuer,
    OrderedEnqueuer,
    SequenceEnqueuer,
)
from tests.train.upstream import Scaled, cycle  # noqa: E402

pytestmark = pytest.mark.tensorflow

both = pytest.mark.parametrize(
    "make",
    [
        lambda: OrderedEnqueuer(Scaled(5)),
        lambda: OrderedEnqueuer(Scaled(5), use_multiprocessing=True),
        lambda: GeneratorEnqueuer(cycle(Scaled(5))),
    ],
    ids=["threads", "processes", "generator"],
)


def value(batch: np.ndarray) -> int:
    return int(batch[0, 0])


@both
def test_starts_and_stops_as_often_as_asked(make: Any) -> None:
    enqueuer = make()
    assert isinstance(enqueuer, SequenceEnqueuer)
    assert not enqueuer.is_running()
    assert list(enqueuer.get()) == []
    enqueuer.stop()
    for _ in range(2):
        enqueuer.start(workers=2)
        assert enqueuer.is_running()
        assert enqueuer.workers == 2
        batches = enqueuer.get()
        first = value(next(batches))
        assert first == 0 or isinstance(enqueuer, GeneratorEnqueuer)
        assert value(next(batches)) == (first + 1) % 5
        enqueuer.stop(timeout=5)
        enqueuer.stop()
        assert not enqueuer.is_running()
        assert list(batches) == []


@both
def test_start_of_one_that_runs_begins_anew(make: Any) -> None:
    enqueuer = make()
    enqueuer.start()
    next(enqueuer.get())
    enqueuer.start(2, 3)
    batches = enqueuer.get()
    first = value(next(batches))
    assert first == 0 or isinstance(enqueuer, GeneratorEnqueuer)
    enqueuer.stop()


@both
def test_one_that_is_forgotten_leaves_nothing(make: Any) -> None:
    """The fixture of all tests looks for processes and threads."""
    enqueuer = make()
    enqueuer.start(2)
    next(enqueuer.get())


class Stuck(Scaled):
    """Batch 2 does not come before it is let go."""

    def __init__(self) -> None:
        super().__init__(5)
        self.is_stuck = threading.Event()
        self.go = threading.Event()

    def __getitem__(self, index: int) -> np.ndarray:
        if index == 2:
            self.is_stuck.set()
            assert self.go.wait(60)
        return super().__getitem__(index)


@pytest.mark.parametrize("kind", ["OrderedEnqueuer", "GeneratorEnqueuer"])
def test_stop_ends_a_wait_in_another_thread(kind: str) -> None:
    source, got = Stuck(), []
    enqueuer = (
        OrderedEnqueuer(source)
        if kind == "OrderedEnqueuer"
        else GeneratorEnqueuer(cycle(source))
    )
    enqueuer.start(2)

    def consume() -> None:
        got.extend(map(value, enqueuer.get()))

    consumer = threading.Thread(target=consume)
    consumer.start()
    assert source.is_stuck.wait(60)
    enqueuer.stop()
    consumer.join(60)
    assert not consumer.is_alive()
    assert got == list(range(len(got)))
    assert len(got) <= 2
    source.go.set()


@both
def test_generators_of_one_enqueuer_share_the_batches(make: Any) -> None:
    enqueuer, got = make(), []
    enqueuer.start(2)

    def consume() -> None:
        batches = enqueuer.get()
        got.extend(value(next(batches)) for _ in range(50))

    consumers = [threading.Thread(target=consume) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join()
    enqueuer.stop()
    scales = [1] * 30 if isinstance(enqueuer, GeneratorEnqueuer) else 3 ** np.arange(30)
    due = [index * int(scale) for scale in scales for index in range(5)]
    assert sorted(got) == sorted(due)


class Mixed(Scaled):
    """Batches of several kinds; batch 1 is none."""

    def __getitem__(self, index: int) -> Any:
        if index == 1:
            return None
        sparse = tf.SparseTensor([[0, index]], [1.0], (1, 3))
        return [super().__getitem__(index), {"text": "ä", "none": None}], sparse


@pytest.mark.parametrize("use_multiprocessing", [False, True])
def test_batches_keep_their_nesting_and_none_is_left_out(
    use_multiprocessing: bool,
) -> None:
    enqueuer = OrderedEnqueuer(Mixed(3), use_multiprocessing)
    enqueuer.start()
    batches = enqueuer.get()
    for index in (0, 2, 0):
        first, sparse = next(batches)
        assert isinstance(first, list)
        array, parts = first
        assert array.shape == (2, 3)
        assert parts == {"text": "ä", "none": None}
        assert tf.sparse.to_dense(sparse).numpy().tolist() == [
            [float(index == column) for column in range(3)]
        ]
    enqueuer.stop()


@both
def test_batches_belong_to_who_takes_them(make: Any) -> None:
    enqueuer = make()
    enqueuer.start(2)
    batches = enqueuer.get()
    taken = []
    for _ in range(5):
        taken.append(next(batches))
        taken[-1] += 100
    for _ in range(20):
        next(batches)
    assert list(map(value, taken)) == [100, 101, 102, 103, 104]
    enqueuer.stop()


def test_what_cannot_serve_is_refused() -> None:
    with pytest.raises(seq2data.SourceError, match="GeneratorEnqueuer"):
        OrderedEnqueuer(cycle(Scaled(5))).start()
    with pytest.raises(seq2data.SourceError, match="OrderedEnqueuer"):
        GeneratorEnqueuer(Scaled(5)).start()
    with pytest.raises(seq2data.SourceError, match="empty"):
        OrderedEnqueuer(Scaled(0)).start()
    with pytest.raises(ValueError, match="workers"):
        OrderedEnqueuer(Scaled(5)).start(-1)
    unsendable = Scaled(5)
    enqueuer = OrderedEnqueuer(unsendable, use_multiprocessing=True)
    unsendable.made = (each for each in range(3))
    next(unsendable.made)  # one that has begun cannot be made anew
    with pytest.raises(seq2data.PayloadError, match="made"):
        enqueuer.start()
    assert not enqueuer.is_running()


def test_wait_time_of_old_calls_has_no_meaning() -> None:
    with pytest.warns(DeprecationWarning, match="wait_time"):
        GeneratorEnqueuer(cycle(Scaled(5)), wait_time=0.05)


def draws(seed: Any, use_multiprocessing: bool) -> list[float]:
    def drawing() -> Iterator[np.ndarray]:
        while True:
            yield np.random.rand(1)

    enqueuer = GeneratorEnqueuer(drawing(), use_multiprocessing, random_seed=seed)
    enqueuer.start(3)
    batches = enqueuer.get()
    drawn = [float(next(batches)[0]) for _ in range(4)]
    enqueuer.stop()
    for thread in threading.enumerate():
        # One that has read ahead puts the global generator's state back at its end.
        if thread.name.startswith("seq2data reader"):
            thread.join()
    return drawn


def test_random_seed_is_for_processes() -> None:
    assert draws(5, True) == draws(5, True) != draws(6, True)
    np.random.seed(3)
    due = np.random.rand(4).tolist()
    np.random.seed(3)
    assert draws(5, False) == due


class BadHook(Scaled):
    def on_epoch_end(self) -> None:
        raise LookupError("no further order")


def test_exception_of_the_hook_comes_in_place_of_the_last_batch() -> None:
    enqueuer = OrderedEnqueuer(BadHook(3))
    enqueuer.start()
    batches = enqueuer.get()
    assert [value(next(batches)) for _ in range(2)] == [0, 1]
    with pytest.raises(LookupError, match="no further order"):
        next(batches)
    assert not enqueuer.is_running()
