"""When the hooks of an epoch are called, and who sees what they change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hostile import BadHook
from tests.oracle import assert_yields, read_until_error
from tests.sources import Begun, Epochs, Lengths, Logged, Squares

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

LARGE = 100_000
"""Floats of a batch that travels alone."""


def _lines(path: Path) -> list[str]:
    return path.read_text().split()


def test_hook_is_called_once_per_completed_pass_in_the_callers_process(
    mode: dict[str, Any],
) -> None:
    source = Epochs()
    dataset = to_dataset(source, **mode)
    assert source.calls == []
    for passes in 1, 2, 3:
        assert len(list(dataset)) == 5
        assert source.calls == [os.getpid()] * passes


def test_workers_see_what_the_hook_changed_in_the_next_pass(
    mode: dict[str, Any],
) -> None:
    dataset = to_dataset(Epochs(), **mode)
    got = [[batch.numpy().tolist() for batch in dataset] for _ in range(3)]
    assert got == [[[epoch, index] for index in range(5)] for epoch in range(3)]


def test_large_state_that_the_hook_changes_reaches_the_workers(
    mode: dict[str, Any],
) -> None:
    class Reordered(Squares):
        def __init__(self) -> None:
            super().__init__(5)
            self.data = np.arange(1_000_000)
            self.order = np.arange(200_000)

        def __getitem__(self, index: int) -> Any:
            return self.data[self.order[index::5]][:3]

        def on_epoch_end(self) -> None:
            self.order = self.order[::-1].copy()
            self.data[-1] = -7

    source = Reordered()
    dataset = to_dataset(source, **mode)
    untouched = Reordered()
    assert_yields(dataset, untouched)
    for _ in range(2):
        untouched.on_epoch_end()
        assert_yields(dataset, untouched)


def test_hook_is_not_called_when_the_last_batch_is_not_taken(
    mode: dict[str, Any],
) -> None:
    source = Epochs()
    dataset = to_dataset(source, **mode)
    assert len(list(dataset.take(4))) == 4
    assert source.calls == []
    assert [batch.numpy().tolist() for batch in dataset.take(1)] == [[0, 0]]


def test_hook_is_not_called_for_an_abandoned_pass(mode: dict[str, Any]) -> None:
    source = Epochs()
    dataset = to_dataset(source, **mode)
    iterator = iter(dataset)
    next(iterator), next(iterator)
    del iterator
    assert len(list(dataset)) == 5
    assert source.calls == [os.getpid()]


@pytest.mark.parametrize("floats", [4, LARGE])
def test_hook_is_called_when_the_last_batch_is_handed_over(
    floats: int, mode: dict[str, Any], tmp_path: Path
) -> None:
    source = Logged(str(tmp_path / "log"), 6, floats)
    iterator = iter(to_dataset(source, **mode))
    for _ in range(5):
        next(iterator)
    assert "end" not in _lines(tmp_path / "log")
    next(iterator)
    assert _lines(tmp_path / "log").count("end") == 1
    assert next(iterator, None) is None
    assert _lines(tmp_path / "log").count("end") == 1


@pytest.mark.parametrize("floats", [4, LARGE])
@pytest.mark.parametrize("derive", ["iterated", "repeated", "prefetched", "batched"])
def test_hook_stands_between_the_reads_of_two_passes(
    derive: str, floats: int, mode: dict[str, Any], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    dataset = to_dataset(Logged(str(log), 6, floats), **mode)
    derived = {
        "iterated": lambda: dataset,
        "repeated": lambda: dataset.repeat(3),
        "prefetched": lambda: dataset.repeat(3).prefetch(20),
        "batched": lambda: dataset.repeat(3).batch(4),
    }[derive]()
    for _ in range(3 if derive == "iterated" else 1):
        for _ in derived:
            pass
    passes = " ".join(_lines(log)).split("end")
    assert [sorted(reads.split()) for reads in passes] == [list("012345")] * 3 + [[]]


def test_length_that_changes_between_passes_is_followed(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Lengths(4, 7, 2), **mode)
    for epoch, length in enumerate((4, 7, 2)):
        got = [batch.numpy().tolist() for batch in dataset]
        assert got == [[epoch, index] for index in range(length)]


def test_length_that_stays_after_a_change_is_followed() -> None:
    for lengths in (4, 2, 2, 2), (4, 7, 4, 4), (4, 7, 7):
        dataset = to_dataset(Lengths(*lengths), workers=0)
        assert [sum(1 for _ in dataset) for _ in lengths] == list(lengths), lengths


def test_derived_dataset_with_the_length_of_before_is_refused() -> None:
    dataset = to_dataset(Lengths(4, 2), workers=0)
    derived = dataset.prefetch(1)
    assert sum(1 for _ in dataset) == 4
    assert sum(1 for _ in dataset) == 2
    with pytest.raises(Exception, match="derived"):
        sum(1 for _ in derived)


@pytest.mark.parametrize("derive", ["repeat", "prefetch"])
def test_length_that_changes_is_an_error_in_a_derived_dataset(
    derive: str, mode: dict[str, Any]
) -> None:
    dataset = getattr(to_dataset(Lengths(4, 7), **mode), derive)(2)
    if derive == "prefetch":
        assert len(list(dataset)) == 4
    delivered, message = read_until_error(dataset)
    assert delivered == (4 if derive == "repeat" else 0)
    assert "Lengths" in message
    assert "4 batches" in message
    assert "7 now" in message
    assert "derived" in message


def test_length_that_becomes_zero_is_an_error(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Lengths(4, 0), **mode)
    assert len(list(dataset)) == 4
    with pytest.raises((ValueError, tf.errors.OpError), match="empty"):
        list(dataset)


def test_hook_before_an_epoch_is_called_once_before_its_reads(
    mode: dict[str, Any],
) -> None:
    source = Begun()
    dataset = to_dataset(source, **mode)
    got = [[batch.numpy().tolist() for batch in dataset] for _ in range(3)]
    assert source.begun == 3
    assert got == [
        [[epoch + 1, epoch, index] for index in range(5)] for epoch in range(3)
    ]


def test_what_the_caller_changes_before_the_first_pass_is_seen(
    mode: dict[str, Any],
) -> None:
    source = Epochs()
    dataset = to_dataset(source, **mode)
    source.epoch = 40
    assert [batch.numpy().tolist() for batch in dataset] == [
        [40, index] for index in range(5)
    ]


def test_error_in_the_hook_is_reported_with_its_type_and_message(
    mode: dict[str, Any],
) -> None:
    source = BadHook()
    dataset = to_dataset(source, **mode)
    with pytest.raises(tf.errors.OpError) as error_info:
        list(dataset)
    message = str(error_info.value)
    assert "BadHook.on_epoch_end" in message
    assert "LookupError" in message
    assert "no such schedule" in message
    assert_yields(dataset, source)
    assert source.calls == 2


def test_hook_error_comes_with_the_line_that_raised(mode: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.OpError) as error_info:
        list(to_dataset(BadHook(), **mode))
    assert "hostile.py" in str(error_info.value)
