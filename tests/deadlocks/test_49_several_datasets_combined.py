"""Several Sequences in one pipeline: one after the other, side by side, or mixed.

tensorflow#32357, keras#13123: Keras takes one Sequence a fit; a zip or a list of them
is refused, and who wants two writes a third one that reads both.
"""

from __future__ import annotations

import collections
from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder
from tests.keras_version import KERAS_VERSION

BATCHES = 15


class Hundreds(Numbered):
    """100, 101, ... or 200, 201, ..."""

    def __init__(self, hundreds: int) -> None:
        super().__init__(BATCHES)
        self.hundreds = hundreds

    def __getitem__(self, index: int) -> Any:
        return batch(100 * self.hundreds + index)


def due(hundreds: int) -> list[int]:
    return [100 * hundreds + index for index in range(BATCHES)]


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    first, second, third = (
        to_dataset(Hundreds(hundreds), workers=2) for hundreds in (1, 2, 3)
    )
    for epoch in range(2):
        together = list(tf.data.Dataset.zip((first, second, third)))
        print(epoch, "zip", [numbers(column) for column in zip(*together)] == all_due())

        turns = tf.data.Dataset.range(3).interleave(
            lambda _: first, cycle_length=3, num_parallel_calls=3
        )
        print(epoch, "interleave", numbers(turns) == list(np.repeat(due(1), 3)))

        choice = tf.data.Dataset.range(3).interleave(
            lambda which: tf.data.Dataset.choose_from_datasets(
                [first, second, third],
                tf.data.Dataset.from_tensors(which).repeat(BATCHES),
                stop_on_empty_dataset=False,
            ),
            cycle_length=3,
        )
        print(epoch, "choose", numbers(choice) == zip_of(all_due()))

        mixed = tf.data.Dataset.sample_from_datasets(
            [first, second, third], seed=7, stop_on_empty_dataset=False
        )
        print(epoch, "sample", by_source(numbers(mixed)) == all_due())
    model = recorder()
    model.fit(first.concatenate(second), validation_data=third, epochs=2, verbose=0)
    print(model.seen == 2 * (due(1) + due(2)), model.evaluated == 2 * due(3))
    print("every batch of every Sequence once, in order")


def all_due() -> list[list[int]]:
    return [due(1), due(2), due(3)]


def zip_of(columns: list[list[int]]) -> list[int]:
    return [number for row in zip(*columns) for number in row]


def numbers(batches: Any) -> list[int]:
    return [int(np.asarray(x).flat[0]) for x, _ in batches]


def by_source(mixed: list[int]) -> list[list[int]]:
    found = collections.defaultdict(list)
    for number in mixed:
        found[number // 100].append(number)
    return [found[hundreds] for hundreds in sorted(found)]


def legacy() -> None:
    try:
        fit_legacy([Hundreds(1), Hundreds(2)])
        print("taken")
    except (AttributeError, TypeError, ValueError) as error:
        print(f"refused with {type(error).__name__}")


def test_every_sequence_keeps_its_order(ours: Outcome) -> None:
    lines = ours.succeed()
    assert [line.rpartition(" ")[2] for line in lines[:8]] == ["True"] * 8
    assert lines[8] == "True True"


def test_legacy(legacy: Outcome) -> None:
    error = {2: "AttributeError", 3: "ValueError"}[KERAS_VERSION[0]]
    assert legacy.summary == f"refused with {error}"
