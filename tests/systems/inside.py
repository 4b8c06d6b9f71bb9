"""What holds on every system; run by `test_systems`, with names taken away."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from taken_away import way

import seq2data
from seq2data import to_dataset
from seq2data.workers.system import capabilities
from tests.oracle import assert_yields
from tests.sources import Drawing, Epochs, Pids, Squares, Unequal
from tests.systems.sources import (
    ROWS,
    Accident,
    Large,
    LeavesChild,
    LosesMaker,
    Raises,
    ShufflesArray,
    Stuck,
    counting,
)

WORKERS = [0, 1, 2]
needs_processes = pytest.mark.skipif(
    way() == "threads", reason="there are no processes that could die"
)
LINES = {
    "threads": r".*no worker processes.*`socket\.AF_UNIX`.*in one thread of this .*",
    "executed": r"this system has no `.*: each worker is .* a fresh interpreter.*",
    "forked": r"this system has no `os\.memfd_create`: .* temporary files",
}


def test_every_module_can_be_imported() -> None:
    for module in pkgutil.walk_packages(seq2data.__path__, "seq2data."):
        if not module.name.endswith(("__main__", "_program")):  # these run at import
            importlib.import_module(module.name)


def test_one_line_says_what_is_used_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "_warned", [])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for workers in WORKERS:
            to_dataset(Squares(), workers=workers)
    if way() == "forked" and hasattr(os, "memfd_create"):
        assert caught == []
        return
    (warning,) = caught
    assert warning.filename == __file__
    assert re.fullmatch(LINES[way()], str(warning.message))


def test_workers_are_what_the_line_says() -> None:
    pids = {int(batch[1]) for batch in to_dataset(Pids(24), workers=2)}
    assert (pids == {os.getpid()}) == (way() == "threads")
    assert os.getpid() not in pids or way() == "threads"


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("kind", [Squares, Unequal, Large])
def test_batches_are_those_of_plain_indexing(kind: Any, workers: int) -> None:
    source = kind(8)
    dataset = to_dataset(source, workers=workers)
    assert_yields(dataset, source)
    assert_yields(dataset, source)


@pytest.mark.parametrize("workers", [1, 2])
def test_draws_and_order_follow_the_seed(workers: int) -> None:
    options: dict[str, Any] = {"seed": 11, "shuffle": True}
    wanted = to_dataset(Drawing(), workers=0, **options)
    dataset = to_dataset(Drawing(), workers=workers, **options)
    for _ in range(2):
        np.testing.assert_array_equal(list(dataset), list(wanted))


def test_array_that_the_first_read_shuffles_has_one_order_for_all() -> None:
    wanted = np.array(list(to_dataset(ShufflesArray(), seed=4, workers=0)))
    assert sorted(wanted[:, 0]) == list(range(ROWS))
    got = np.array(list(to_dataset(ShufflesArray(), seed=4, workers=2)))
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("workers", WORKERS)
def test_end_of_an_epoch_comes_once_and_is_seen(workers: int) -> None:
    source = Epochs()
    dataset = to_dataset(source, workers=workers)
    for epoch in range(3):
        wanted = [[epoch, index] for index in range(5)]
        assert np.array(list(dataset)).tolist() == wanted
    assert source.calls == [os.getpid()] * 3


@pytest.mark.parametrize("source", [counting, counting()], ids=["function", "object"])
def test_generators_come_in_order(source: Any) -> None:
    assert [int(y[0]) for _, y in to_dataset(source)] == list(range(9))


@pytest.mark.parametrize("workers", WORKERS)
def test_error_names_the_batch(workers: int) -> None:
    with pytest.raises(tf.errors.OpError, match=r"batch 7 .*KeyError: 'no such row'"):
        list(to_dataset(Raises(), workers=workers))


@needs_processes
def test_stuck_batch_is_an_error_after_the_timeout() -> None:
    with pytest.raises(tf.errors.OpError, match=r"batch 7 .*longer than `timeout=3`"):
        list(to_dataset(Stuck(), workers=2, timeout=3))


@needs_processes
@pytest.mark.parametrize("kind", [Accident, LosesMaker])
def test_lost_worker_is_replaced(kind: Any, tmp_path: Path) -> None:
    source = kind(tmp_path / "marker")
    assert_yields(to_dataset(source, workers=2), Squares())


@needs_processes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no child holds the socket")
def test_killed_worker_whose_child_holds_its_socket_is_replaced(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    try:
        assert_yields(to_dataset(LeavesChild(marker), workers=2), Squares())
    finally:
        os.kill(int(marker.read_text()), signal.SIGKILL)
