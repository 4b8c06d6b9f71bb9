"""One generator is read by two readers at once.

keras#5919: Python forbids it with `generator already executing`; Keras's workers do so,
and so do training and validation when both are given the same generator.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Iterator
from itertools import count, product
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import batch, fit_legacy, indices, recorder

GATED = 5


def slow() -> Iterator[Any]:
    for index in count():
        time.sleep(0.05)  # so that a reader is inside nearly always
        yield batch(index)


def gated(inside: threading.Event, leave: threading.Event) -> Iterator[Any]:
    """Says when somebody reads item GATED, and keeps him until he may leave."""
    for index in count():
        if index == GATED:
            inside.set()
            leave.wait()
        yield batch(index)


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing in product((0, 1, 4), (True, False)):
        dataset = to_dataset(
            slow(), workers=workers, use_multiprocessing=use_multiprocessing
        )
        model = recorder()
        options = {"validation_data": dataset, "validation_steps": 2, "verbose": 0}
        model.fit(dataset, steps_per_epoch=6, epochs=2, **options)
        trained = [*range(6), *range(8, 14)]
        print(model.seen == trained, list(model.evaluated) == [6, 7, 14, 15])
    print("shared:", shared_by_two_datasets())
    print("one reader at a time")


def shared_by_two_datasets() -> str:
    """What becomes of it while the first dataset's reader is inside the generator."""
    from seq2data import to_dataset
    from seq2data.errors import Seq2DataError, SourceError

    inside, leave = threading.Event(), threading.Event()
    source = gated(inside, leave)
    first = to_dataset(source, workers=2)
    for _ in first.take(1):  # from now on it reads ahead
        inside.wait()
    threading.Timer(1, leave.set).start()
    try:
        second = to_dataset(source, workers=2)
        return f"served {len(indices(second.take(2)))}"
    except SourceError:
        return "refused"
    except Seq2DataError as error:
        return str(error).strip().splitlines()[-1]
    finally:
        leave.set()


def legacy() -> None:
    import tensorflow as tf

    source = slow()
    options = {"validation_data": source, "validation_steps": 2, "workers": 1}
    outcome = "no error"
    try:
        fit_legacy(
            source, steps_per_epoch=6, epochs=4, use_multiprocessing=False, **options
        )
    except (ValueError, tf.errors.OpError) as error:
        print(type(error).__name__, error)
        message = "ValueError: generator already executing"
        outcome = message if message in traceback.format_exc() else str(error)
    print(outcome, flush=True)
    os._exit(0)  # an orderly exit waits for the other reader now and then, for ever


def test_workers_and_validation_take_turns(ours: Outcome) -> None:
    assert ours.succeed()[:-2] == ["True True"] * 6


def test_two_datasets_of_one_generator_take_turns_or_are_refused(ours: Outcome) -> None:
    assert ours.succeed()[-2] in ("shared: served 2", "shared: refused")


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "ValueError: generator already executing"
