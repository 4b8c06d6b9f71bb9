"""A `StopIteration` of the user's own code leaks out.

keras#8058: a reader inside the user's code is at its end, and whoever reads the user's
iterator takes that for the end of all data: the rest is missing, without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

from tests.deadlocks.program import Outcome, Program
from tests.deadlocks.scenario import Numbered, fit_legacy, indices

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 2, "use_multiprocessing": False},
    {"workers": 2},
]


class Refilled(Numbered):
    """Takes labels from a reader, which has four."""

    def __init__(self) -> None:
        super().__init__(20)

    def __getitem__(self, index: int) -> Any:
        labels = iter(range(4))
        for _ in range(4 if 4 <= index < 19 else 0):
            next(labels)
        next(labels)
        return super().__getitem__(index)


def relabel(index: int) -> Any:
    return Refilled()[index]


def refilled() -> Iterator[Any]:
    """The same as a generator; Python itself makes the leak an error."""
    for index in range(20):
        yield relabel(index)


class RefilledIterator:
    """The same as an iterator that knows its length."""

    def __init__(self) -> None:
        self.position = -1

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return 20

    def __next__(self) -> Any:
        self.position += 1
        if self.position == 20:
            raise StopIteration
        return relabel(self.position)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for mode in MODES:
        for dataset in (
            to_dataset(Refilled(), **mode),
            to_dataset(range(20), transform=relabel, **mode),
            to_dataset(refilled, **mode),
            to_dataset(refilled(), **mode),
        ):
            iterator = iter(dataset)
            before = indices([next(iterator) for _ in range(4)])
            try:
                next(iterator)
            except tf.errors.OpError as error:
                print(before, "StopIteration" in str(error), "batch 4" in str(error))
    print("an error that names the batch")


def iterator_object() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    try:
        print(len(indices(to_dataset(RefilledIterator(), workers=2))))
    except tf.errors.OpError as error:
        print("an error", "4" in str(error), "20" in str(error))


def legacy() -> None:
    import tensorflow as tf

    # Keras 3 takes no iterator objects, and its own advice is `from_generator`.
    spec = tf.TensorSpec((2, 1), tf.float32)
    dataset = tf.data.Dataset.from_generator(
        RefilledIterator, output_signature=(spec, spec)
    )
    model = fit_legacy(dataset)
    print(f"{20 - len(model.seen)} of 20 batches never seen, silently")


def test_leak_is_an_error(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["[0, 1, 2, 3] True True"] * 4 * len(MODES)


def test_end_is_checked_against_the_length(
    start: Callable[..., Program],
) -> None:
    outcome = start("iterator_object").finish(60.0)
    assert outcome.succeed() == ["an error True True"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "16 of 20 batches never seen, silently"
