"""Classes that change themselves at their first read: all workers start from there."""

from __future__ import annotations

import gc
import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow
from seq2data.errors import ReadError  # noqa: E402
from tests.contract.first_reads import (  # noqa: E402
    LENGTH,
    CannotBeSentAfterwards,
    DrawsOrder,
    FillsArray,
    OpensFile,
    RaisesAtFirst,
    Starts,
    StartsThreads,
    StaysBusy,
    Tells,
    TidiesUp,
    Unchanged,
)

pytestmark = pytest.mark.tensorflow


def columns(dataset: Any) -> np.ndarray:
    return np.array([batch.numpy() for batch in dataset])


@pytest.mark.parametrize("kind", ["numpy", "random"])
def test_order_drawn_at_the_first_read_is_the_same_for_every_way_of_reading(
    mode: dict[str, Any], kind: str
) -> None:
    inline = to_dataset(DrawsOrder(kind), seed=5, workers=0)
    dataset = to_dataset(DrawsOrder(kind), seed=5, **mode)
    for _ in range(3):
        wanted = columns(inline)
        assert sorted(wanted[:, 0]) == list(range(LENGTH))
        np.testing.assert_array_equal(columns(dataset), wanted)


@pytest.mark.parametrize("kind", ["numpy", "random", "its own"])
def test_order_drawn_without_a_seed_is_one_order_for_all_workers(kind: str) -> None:
    dataset = to_dataset(DrawsOrder(kind), workers=4)
    orders = []
    for epoch in range(3):
        found = columns(dataset)
        assert sorted(found[:, 0]) == list(range(LENGTH))
        assert set(found[:, 1]) == {epoch}
        orders.append(found[:, 0].tolist())
    assert orders[0] != orders[1]


def test_order_in_a_large_array_is_one_order_for_all_workers() -> None:
    dataset = to_dataset(FillsArray(), workers=4)
    for _ in range(2):
        found = columns(dataset)
        assert sorted(found // 100_000) == list(range(LENGTH))


@pytest.mark.parametrize("kind", [Starts, StartsThreads, CannotBeSentAfterwards])
@pytest.mark.parametrize("shuffle", [False, True])
def test_workers_have_what_the_first_read_starts(
    mode: dict[str, Any], kind: type[Starts], shuffle: bool
) -> None:
    source = kind(0)
    dataset = to_dataset(source, shuffle=shuffle, seed=1, **mode)
    for epoch in range(3):
        found = columns(dataset)
        assert sorted(found[:, 0]) == list(range(LENGTH))
        assert set(found[:, 1]) == {epoch}
    if mode.get("workers") and mode.get("use_multiprocessing", True):
        assert not hasattr(source, "executor")


def test_what_the_first_read_registers_is_called_once_at_the_end(
    tmp_path: Path,
) -> None:
    source = TidiesUp(0)
    source.path = tmp_path / "told"
    dataset = to_dataset(source, workers=3)
    assert len(columns(dataset)) == LENGTH
    del dataset
    assert told_by(source.path) == "tidied up\n"


def test_what_the_first_read_registers_is_called_beside_a_busy_worker(
    tmp_path: Path,
) -> None:
    source = StaysBusy(0)
    source.path = tmp_path / "told"
    dataset = to_dataset(source, workers=3)
    iterator = iter(dataset)
    next(iterator)
    wait_for(lambda: (tmp_path / "busy").exists())
    del iterator, dataset
    assert told_by(source.path) == "tidied up\n"


def told_by(path: Path) -> str:
    """What a file says, as soon as it says something."""
    wait_for(lambda: path.exists() and bool(path.read_text()))
    return path.read_text()


def wait_for(is_so: Callable[[], bool]) -> None:
    """Waits for what workers do to a file."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        gc.collect()
        time.sleep(0.01)  # a file cannot be waited for


def test_file_opened_at_the_first_read_has_a_position_in_each_worker(
    start_method: str, tmp_path: Path
) -> None:
    dataset = to_dataset(OpensFile(tmp_path / "numbers"), workers=2)
    for _ in range(3):
        assert columns(dataset).tolist() == list(range(LENGTH))


def test_dead_process_of_the_first_read_is_replaced() -> None:
    dataset = to_dataset(Tells("numpy"), workers=3, max_queue_size=2, seed=2)
    batches = iter(dataset)
    found = [next(batches)[0].numpy() for _ in range(6)]
    # Batch 0 was read by the process that has made the other workers since.
    maker = found[0][3]
    assert {batch[2] for batch in found[1:]} == {maker}
    os.kill(maker, signal.SIGKILL)
    found += [batch[0].numpy() for batch in batches]
    assert sorted(batch[0] for batch in found) == list(range(LENGTH))
    # The last one was read early, for the spec.
    assert maker not in {batch[2] for batch in found[-4:-1]}


def test_source_that_reading_does_not_change_has_workers_of_the_fork_server() -> None:
    found = columns(to_dataset(Unchanged(LENGTH), workers=3))
    assert len(set(found[:, 1])) == 1


def test_error_of_the_first_read_is_an_error_of_batch_0(mode: dict[str, Any]) -> None:
    with pytest.raises(ReadError, match=r"batch 0 .*no such row"):
        to_dataset(RaisesAtFirst(LENGTH), **mode)
