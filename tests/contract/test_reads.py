"""How often, and how far ahead, the source is read."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.sources import Counted, Gated, Logged

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

LARGE = 100_000
"""Floats of a batch that travels alone, so that a task is one batch."""
_PATIENCE_S = 60.0


def _reads(path: Path) -> Counter[int]:
    if not path.exists():
        return Counter()
    return Counter(int(line) for line in path.read_text().split() if line != "end")


def _eventually(claim: Callable[[], bool]) -> None:
    """Waits for what another process does without telling us."""
    deadline = time.monotonic() + _PATIENCE_S
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("num_batches", [1, 2, 6, 300])
def test_each_index_is_read_once_per_pass(
    num_batches: int, shuffle: bool, mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Counted(str(tmp_path / "log"), num_batches)
    dataset = to_dataset(source, shuffle=shuffle, **mode)
    assert _reads(tmp_path / "log") == Counter({0, num_batches - 1})
    for passes in 1, 2:
        assert len(list(dataset)) == num_batches
        once = Counter(range(num_batches))
        assert _reads(tmp_path / "log") == Counter(
            {index: passes * count for index, count in once.items()}
        )


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_large_batch_is_read_once_per_pass(
    shuffle: bool, mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Logged(str(tmp_path / "log"), 9, LARGE)
    dataset = to_dataset(source, shuffle=shuffle, max_queue_size=2, **mode)
    for passes in 1, 2:
        assert len(list(dataset)) == 9
        assert set(_reads(tmp_path / "log").values()) == {passes}
        assert len(_reads(tmp_path / "log")) == 9


def test_each_sample_is_read_once_per_pass(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Counted(str(tmp_path / "log"), 50)
    assert len(list(to_dataset(source, batch_size=8, **mode))) == 7
    assert _reads(tmp_path / "log") == Counter(range(50))


def test_generator_function_is_asked_for_each_item_once(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Counted(str(tmp_path / "log"), 30)
    dataset = to_dataset(lambda: (source[i] for i in range(30)), **mode)
    assert len(list(dataset)) == 30
    assert _reads(tmp_path / "log") == Counter(range(30))


def test_dataset_that_nobody_reads_reads_nothing_ahead(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Logged(str(tmp_path / "log"), 9, LARGE)
    dataset = to_dataset(source, **mode)
    iterator = iter(dataset)
    derived = dataset.map(lambda x: x + 1).prefetch(2)
    assert _reads(tmp_path / "log") == Counter({0, 8})
    del iterator, derived


@pytest.mark.parametrize("queue", [1, 5])
def test_reads_ahead_are_bounded(
    queue: int, mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Logged(str(tmp_path / "log"), 30, LARGE)
    workers = max(1, mode["workers"])
    ahead = 0
    # The last batch is known from the start; it is read ahead of everything.
    dataset = to_dataset(source, max_queue_size=queue, **mode)
    for delivered, _ in enumerate(dataset, start=1):
        if delivered <= 29 - workers - queue:
            # A slow consumer: it lets the readers come as far as they may.
            least = delivered + queue
            _eventually(lambda least=least: len(_reads(tmp_path / "log")) - 1 >= least)
        ahead = max(ahead, len(_reads(tmp_path / "log")) - 1 - delivered)
    assert queue <= ahead <= queue + workers


def test_reads_ahead_of_a_generator_are_bounded(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Logged(str(tmp_path / "log"), 40, LARGE)
    dataset = to_dataset(
        lambda: (source[i] for i in range(40)), max_queue_size=3, **mode
    )
    ahead = 0
    for delivered, _ in enumerate(dataset, start=1):
        if delivered <= 30:
            least = delivered + 3
            _eventually(lambda least=least: len(_reads(tmp_path / "log")) >= least)
        ahead = max(ahead, len(_reads(tmp_path / "log")) - delivered)
    assert 3 <= ahead <= 3 + max(1, mode["workers"])


def test_nothing_more_is_read_for_an_iterator_that_is_gone(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    log, gate = tmp_path / "log", str(tmp_path / "gate")
    os.mkfifo(gate)
    readers = max(1, mode["workers"])
    source = Gated(str(log), gate, 30, LARGE)
    dataset = to_dataset(source, max_queue_size=6, **mode)
    iterator = iter(dataset)
    next(iterator)
    # Every reader stands at the gate, and further tasks wait behind it.
    _eventually(lambda: sum(_reads(log).values()) == 2 + readers)
    del iterator
    opened = os.open(gate, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert len(list(dataset)) == 30
    finally:
        os.close(opened)
    # Tasks start in their order, so the new pass ended after what was left of the old;
    # a worker process may have had a second task at hand.
    at_hand = 0 if mode.get("use_multiprocessing") is False else mode["workers"]
    left = sum(_reads(log).values()) - (2 + readers + 30)
    assert 0 <= left <= at_hand
