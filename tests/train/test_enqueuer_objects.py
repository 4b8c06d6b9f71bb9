"""Enqueuers hand back what the source returned, and say how much is read ahead.

Keras 2.15 is the oracle: `get` yields what `__getitem__` or the generator returned,
from threads the very object, from processes its copy by pickle; `queue` is a
`queue.Queue`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import seq2data
from seq2data.train.enqueuers import (
    GeneratorEnqueuer,
    OrderedEnqueuer,
)
from tests.train.given_objects import ARRAYS, OBJECTS, Given, Sample

pytestmark = pytest.mark.tensorflow


def read(enqueuer: Any, count: int, workers: int = 2) -> list[Any]:
    enqueuer.start(workers, 4)
    batches = enqueuer.get()
    got = [next(batches) for _ in range(count)]
    enqueuer.stop()
    return got


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_threads_hand_back_the_very_objects(workers: int) -> None:
    objects = [*OBJECTS, *ARRAYS, threading.Lock(), (i for i in range(3))]
    got = read(OrderedEnqueuer(Given(objects)), 2 * len(objects), workers)
    assert list(map(id, got)) == list(map(id, objects * 2))


def test_generator_hands_back_the_very_objects() -> None:
    objects = [*OBJECTS, *ARRAYS, threading.Lock()]
    for use_multiprocessing in (False, True):
        enqueuer = GeneratorEnqueuer(iter(objects), use_multiprocessing)
        enqueuer.start(2)
        assert list(map(id, enqueuer.get())) == list(map(id, objects))
        enqueuer.stop()


def test_processes_hand_back_equal_objects(start_method: str) -> None:
    got = read(OrderedEnqueuer(Given(OBJECTS), use_multiprocessing=True), len(OBJECTS))
    assert got == OBJECTS
    assert list(map(type, got)) == list(map(type, OBJECTS))
    assert isinstance(got[OBJECTS.index(Sample("x.png", 3))], Sample)


def test_processes_hand_back_equal_arrays(start_method: str) -> None:
    got = read(OrderedEnqueuer(Given(ARRAYS), use_multiprocessing=True), len(ARRAYS))
    assert len(got) == len(ARRAYS)
    for array, due in zip(got, ARRAYS):
        assert array.dtype == due.dtype
        assert array.flags.f_contiguous == due.flags.f_contiguous
        assert array.flags.writeable
        np.testing.assert_array_equal(array, due)


def test_none_is_left_out() -> None:
    source = Given([None, 1, None, 2])
    for use_multiprocessing in (False, True):
        assert read(OrderedEnqueuer(source, use_multiprocessing), 3) == [1, 2, 1]
    enqueuer = GeneratorEnqueuer(iter(source.objects))
    enqueuer.start()
    assert list(enqueuer.get()) == [1, 2]
    enqueuer.stop()


class Unsendable(Given):
    """Makes in the worker what cannot leave it."""

    def __getitem__(self, index: int) -> Any:
        return threading.Lock() if index == 1 else index


def test_object_that_cannot_leave_its_process_is_named() -> None:
    enqueuer = OrderedEnqueuer(Unsendable([0] * 3), use_multiprocessing=True)
    enqueuer.start(1)
    batches = enqueuer.get()
    assert next(batches) == 0
    with pytest.raises(seq2data.SourceError, match=r"`Unsendable\[1\]` is a `lock`"):
        next(batches)
    assert not enqueuer.is_running()


SCRIPT = """
from seq2data.train.enqueuers import OrderedEnqueuer

class Own:
    def __init__(self, index):
        self.index = index

class Source:
    def __len__(self):
        return 3
    def __getitem__(self, index):
        return Own(index), twice

def twice(value):
    return 2 * value

enqueuer = OrderedEnqueuer(Source(), use_multiprocessing=True)
enqueuer.start(2)
for step, (own, function) in zip(range(6), enqueuer.get()):
    print(type(own) is Own, own.index == step % 3, function(21))
enqueuer.stop()
"""


def test_classes_of_the_script_are_the_scripts_own(
    start_method: str, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(seq2data.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["True True 42"] * 6


def make(kind: str) -> Any:
    if kind == "generator":
        return GeneratorEnqueuer(iter(range(1000)))
    return OrderedEnqueuer(Given(list(range(20))), kind == "processes")


@pytest.mark.parametrize("kind", ["threads", "processes", "generator"])
def test_queue_is_filled_to_its_size_and_no_further(kind: str) -> None:
    enqueuer = make(kind)
    assert enqueuer.queue is None
    for size in (1, 4):
        enqueuer.start(2, size)
        queue = enqueuer.queue
        assert (queue.maxsize, queue.qsize()) == (size, size)
        assert queue.full()
        assert not queue.empty()
        batches = enqueuer.get()
        taken = [next(batches) for _ in range(50)]
        assert taken[1] - taken[0] == 1
        assert 0 < queue.qsize() <= size
        enqueuer.stop()
        assert queue.empty()
        assert not queue.full()


def test_loop_that_polls_the_queue_goes_through_all_passes() -> None:
    """As Keras's own loops of 2016 did, with a sleep in place of the assertion."""
    enqueuer = OrderedEnqueuer(Given(list(range(3))))
    enqueuer.start(2, 2)
    got = []
    while len(got) < 8:
        assert enqueuer.is_running()
        assert not enqueuer.queue.empty()
        got.append(next(enqueuer.get()))
    enqueuer.stop()
    assert got == [0, 1, 2, 0, 1, 2, 0, 1]


def test_queue_of_a_generator_is_empty_at_its_end() -> None:
    enqueuer = GeneratorEnqueuer(iter([1, 2]))
    enqueuer.start(1, 2)
    assert list(enqueuer.get()) == [1, 2]
    assert enqueuer.queue.empty()
    enqueuer.stop()


def test_queue_outlives_its_enqueuer() -> None:
    enqueuer = make("threads")
    enqueuer.start()
    queue = enqueuer.queue
    del enqueuer
    assert queue.empty()


class Counting:
    """Counts how far it was read."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[int]:
        while True:
            self.read += 1
            yield self.read


def test_generator_is_read_as_far_as_the_queue_holds() -> None:
    source = Counting()
    enqueuer = GeneratorEnqueuer(iter(source))
    enqueuer.start(1, 3)
    assert enqueuer.queue.full()
    batches = enqueuer.get()
    assert [next(batches) for _ in range(5)] == [1, 2, 3, 4, 5]
    enqueuer.stop()
    assert 5 <= source.read <= 5 + 3 + 1
