"""A generator ends after the first of several epochs.

keras#20402, keras#20394: Keras trains the further epochs on nothing, or on the two
batches that it had read to learn their shapes, and returns normally.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import batch, fit_legacy, indices, recorder

NUM_BATCHES, EPOCHS = 10, 3


def finite() -> Iterator[Any]:
    for index in range(NUM_BATCHES):
        yield batch(index)


def ours() -> None:
    import tensorflow as tf

    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 4), (True, False)):
        reading = {"workers": workers, "use_multiprocessing": use_multiprocessing}
        model = recorder()
        try:
            model.fit(to_dataset(finite(), **reading), epochs=EPOCHS, verbose=0)
        except tf.errors.OpError as error:
            named = "SourceError: `finite` came to its end after 10 batches"
            advised = "pass the function that makes it"
            print(named in str(error), advised in str(error))
        print(model.seen == list(range(NUM_BATCHES)))
        model = recorder()
        model.fit(to_dataset(finite, **reading), epochs=EPOCHS, verbose=0)
        print("function:", model.seen == list(range(NUM_BATCHES)) * EPOCHS)
    dataset = to_dataset(finite, workers=2)
    # A consumer that counts its steps never asks for the end.
    print("counted:", indices(dataset.take(NUM_BATCHES)), indices(dataset))
    print("an error; a function is called anew")


def legacy() -> None:
    from tensorflow import keras

    model, ends = recorder(), [0]
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(len(model.seen))
    )
    options = {"epochs": EPOCHS, "callbacks": [count]}
    fit_legacy(finite(), model, workers=1, use_multiprocessing=False, **options)
    lengths = [str(end - begin) for begin, end in zip(ends, ends[1:])]
    print(model.seen)
    print(f"epochs of {', '.join(lengths)} batches, no error")


def test_end_is_an_error_in_the_next_epoch(ours: Outcome) -> None:
    lines = [line for line in ours.succeed()[:-1] if ":" not in line]
    assert lines == ["True True", "True"] * 6


def test_function_is_called_anew_in_each_epoch(ours: Outcome) -> None:
    lines = [line for line in ours.succeed() if line.startswith("function:")]
    assert lines == ["function: True"] * 6


def test_function_is_called_anew_after_an_end_that_nobody_read(ours: Outcome) -> None:
    due = list(range(NUM_BATCHES))
    assert f"counted: {due} {due}" in ours.succeed()


def test_legacy(legacy: Outcome) -> None:
    assert legacy.code == 0
    lengths = legacy.summary.removeprefix("epochs of ").partition(" batches")[0]
    assert lengths.split(", ")[0] == str(NUM_BATCHES)
    assert lengths != ", ".join([str(NUM_BATCHES)] * EPOCHS)
