"""Generators are read once, in order, by one reader, and go on where they stopped."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seq2data.errors import ReadError, SourceError, WorkerCrashError
from tests.hostile import failing
from tests.oracle import assert_same, read_until_error
from tests.sources import LegacyIterator, OnlyIter, counting, endless, pids

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

RESTARTING: dict[str, Any] = {
    "function": counting,
    "partial": functools.partial(counting, 5),
    "lambda": lambda: counting(5),
    "iterable": OnlyIter(5),
    "function of a list": lambda: list(counting(5)),
}
ONCE: dict[str, Any] = {
    "generator": counting,
    "iterator": LegacyIterator,
    "map": lambda: map(tuple, counting()),
}


def _indices(dataset: Any) -> list[int]:
    return [int(x[0, 0]) for x, _ in dataset]


@pytest.mark.parametrize("kind", RESTARTING)
def test_each_pass_calls_the_function_again_after_its_end(
    kind: str, mode: dict[str, Any]
) -> None:
    dataset = to_dataset(RESTARTING[kind], **mode)
    assert [_indices(dataset) for _ in range(3)] == [[0, 1, 2, 3, 4]] * 3


@pytest.mark.parametrize("kind", ONCE)
def test_object_is_read_to_its_end_and_then_refused(
    kind: str, mode: dict[str, Any]
) -> None:
    dataset = to_dataset(ONCE[kind](), **mode)
    assert _indices(dataset) == [0, 1, 2, 3, 4]
    with pytest.raises(tf.errors.OpError, match="after 5 batches") as error_info:
        list(dataset)
    assert "cannot begin again" in str(error_info.value)


def test_items_keep_structure_dtype_and_values(mode: dict[str, Any]) -> None:
    items = [({"x": np.int16([i, i])}, [f"{i}", None, i / 2]) for i in range(20)]
    for dataset in to_dataset(lambda: items, **mode), to_dataset(iter(items), **mode):
        found = list(dataset)
        assert len(found) == 20
        for got, item in zip(found, items):
            assert_same(got, item)


@pytest.mark.parametrize("source", [endless, "object"])
def test_endless_generator_goes_on_in_the_next_pass(
    source: Any, mode: dict[str, Any]
) -> None:
    dataset = to_dataset(endless() if source == "object" else source, **mode)
    passes = [_indices(dataset.take(7)) for _ in range(3)]
    assert passes == [list(range(start, start + 7)) for start in (0, 7, 14)]


def test_abandoned_pass_loses_nothing(mode: dict[str, Any]) -> None:
    dataset = to_dataset(endless, **mode)
    iterator = iter(dataset)
    got = [int(next(iterator)[0][0, 0]) for _ in range(4)]
    del iterator
    assert got + _indices(dataset.take(4)) == list(range(8))


def test_iterators_share_one_generator(mode: dict[str, Any]) -> None:
    dataset = to_dataset(endless, **mode)
    one, other = iter(dataset), iter(dataset)
    got = [int(next(which)[0][0, 0]) for _ in range(5) for which in (one, other, one)]
    assert got == list(range(15))


def test_function_goes_on_within_its_run_and_not_from_its_start(
    mode: dict[str, Any],
) -> None:
    dataset = to_dataset(counting, **mode)
    assert _indices(dataset.take(3)) == [0, 1, 2]
    assert _indices(dataset) == [3, 4]
    assert _indices(dataset) == [0, 1, 2, 3, 4]


def test_repeat_goes_through_the_runs(mode: dict[str, Any]) -> None:
    dataset = to_dataset(counting, **mode).repeat(2)
    assert _indices(dataset) == [0, 1, 2, 3, 4] * 2
    assert _indices(to_dataset(counting, **mode).repeat().take(12))[-3:] == [4, 0, 1]


def test_runs_may_have_different_lengths() -> None:
    lengths = iter([3, 5, 2, 4])

    def run() -> Iterator[Any]:
        return counting(next(lengths))

    dataset = to_dataset(run, workers=0)
    assert [len(_indices(dataset)) for _ in range(4)] == [3, 5, 2, 4]


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_handful_of_items_comes_complete(stop: int, mode: dict[str, Any]) -> None:
    dataset = to_dataset(functools.partial(counting, stop), **mode)
    assert [_indices(dataset) for _ in range(2)] == [list(range(stop))] * 2
    assert _indices(to_dataset(counting(stop), **mode)) == list(range(stop))


def test_hundreds_of_items_come_in_order(mode: dict[str, Any]) -> None:
    dataset = to_dataset(functools.partial(counting, 400), **mode)
    assert _indices(dataset) == list(range(400))


def test_function_is_read_in_one_worker_process(start_method: str) -> None:
    dataset = to_dataset(functools.partial(pids, 30), workers=4)
    readers = {int(pid) for _ in range(2) for pid in dataset}
    assert len(readers) == 1
    assert os.getpid() not in readers


def test_object_is_read_on_one_thread_of_its_own(mode: dict[str, Any]) -> None:
    readers: list[threading.Thread] = []

    def noted() -> Iterator[Any]:
        for item in counting(30):
            readers.append(threading.current_thread())
            yield item

    assert len(_indices(to_dataset(noted(), **mode))) == 30
    assert len(set(readers)) == 1
    assert readers[0] is not threading.main_thread()


@pytest.mark.parametrize("workers", [None, 2])
def test_function_that_cannot_be_sent_is_read_on_one_thread(
    workers: int | None,
) -> None:
    main, readers = threading.main_thread(), set()

    def watched() -> Iterator[Any]:
        for item in counting(30):
            assert threading.current_thread() is not main
            readers.add(threading.current_thread())
            yield item

    assert _indices(to_dataset(watched, workers=workers)) == list(range(30))
    assert len(readers) == 1


EMPTY: dict[str, Any] = {
    "function": functools.partial(counting, 0),
    "function of a list": lambda: list(counting(0)),
    "iterable": OnlyIter(0),
    "iterator": iter(()),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_empty_generator_is_refused(kind: str, mode: dict[str, Any]) -> None:
    with pytest.raises(SourceError, match="empty"):
        to_dataset(EMPTY[kind], **mode)


@pytest.mark.parametrize("at", [0, 1])
def test_generator_that_raises_at_once_is_refused(
    at: int, mode: dict[str, Any]
) -> None:
    with pytest.raises(ReadError, match="no such patient") as error_info:
        to_dataset(functools.partial(failing, "raise_key_error", at), **mode)
    assert error_info.value.index == at
    assert "in failing" in error_info.value.worker_traceback


@pytest.mark.parametrize("kind", ["function", "object"])
def test_generator_that_raises_says_where(kind: str, mode: dict[str, Any]) -> None:
    function = functools.partial(failing, "raise_file_error")
    dataset = to_dataset(function if kind == "function" else function(), **mode)
    iterator = iter(dataset)
    for _ in range(3):
        next(iterator)
    with pytest.raises(tf.errors.OpError) as error_info:
        next(iterator)
    facts = "batch 3", "FileNotFoundError", "image.png", "in failing", "hostile.py"
    assert all(fact in str(error_info.value) for fact in facts)
    if kind == "object":
        with pytest.raises(tf.errors.OpError, match="cannot begin again"):
            list(dataset)
    else:
        assert_same(next(iter(dataset)), next(function()))


def test_function_whose_worker_dies_is_not_read_again_behind_ones_back(
    start_method: str,
) -> None:
    dataset = to_dataset(functools.partial(failing, "kill_itself"), workers=2)
    delivered, message = read_until_error(dataset)
    assert delivered == 3
    assert "SIGKILL" in message


def test_function_whose_worker_dies_at_once_is_refused(start_method: str) -> None:
    with pytest.raises(WorkerCrashError) as error_info:
        to_dataset(functools.partial(failing, "exit_at_once", 0), workers=2)
    assert error_info.value.status == 7


def test_seeded_generator_draws_the_same_in_every_way(mode: dict[str, Any]) -> None:
    def drawing() -> Iterator[Any]:
        for _ in range(6):
            yield np.random.rand(3)

    inline = np.array(list(to_dataset(drawing, seed=4, workers=0)))
    other = np.array(list(to_dataset(drawing, seed=4, **mode)))
    np.testing.assert_array_equal(other, inline)
    assert len(np.unique(inline)) == inline.size


def test_broken_spec_of_an_item_is_named(mode: dict[str, Any]) -> None:
    dataset = to_dataset(functools.partial(failing, "return_wider"), **mode)
    with pytest.raises(tf.errors.OpError, match="output_signature") as error_info:
        list(dataset)
    assert "(4, 9)" in str(error_info.value)
    assert "batch 3" in str(error_info.value)
