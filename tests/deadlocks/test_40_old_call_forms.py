"""Scripts call what Keras 3 has removed, or forget `super().__init__()`.

Keras 3's migration: `fit_generator` and `fit(workers=)` are gone, lists are refused,
and a PyDataset that was not initialised is read by one thread, with a warning.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Callable

from tests.deadlocks.program import Outcome, Program
from tests.deadlocks.scenario import Numbered, batch, indices, recorder
from tests.keras_version import IS_KERAS_3, KERAS_VERSION


def forgetful() -> Any:
    """A Sequence of the installed Keras that does not initialise it, as most do not."""
    from tensorflow import keras

    base = keras.utils.PyDataset if IS_KERAS_3 else keras.utils.Sequence

    class Forgetful(base):  # type: ignore[misc]
        def __init__(self, length: int) -> None:
            self.length = length

        def __len__(self) -> int:
            return self.length

        def __getitem__(self, index: int) -> Any:
            time.sleep(0.05)
            x, _ = batch(index)
            return x, x * 0 + os.getpid() % 2**20  # which float32 holds

    return Forgetful(30)


def endless() -> Iterator[list[Any]]:
    while True:
        for index in range(12):
            yield list(batch(index))


def ours() -> None:
    from seq2data import to_dataset, wrap

    readers: set[int] = set()
    dataset = to_dataset(forgetful(), workers=2)
    print("forgetful:", indices(dataset.map(lambda x, y: (x, y))) == list(range(30)))
    for _, y in dataset:
        readers.add(int(y[0, 0]))
    print("by two workers:", len(readers - {os.getpid() % 2**20}) == 2)
    model = recorder()
    model.fit(to_dataset(endless), steps_per_epoch=6, epochs=2, verbose=0)
    print("lists:", model.seen == list(range(12)))
    model = recorder()
    model.fit(wrap(Numbered, workers=2)(8), epochs=2, verbose=0)
    print("wrapped:", model.seen == 2 * list(range(8)))
    print("read by all workers, in order")


def removed_methods() -> None:
    import seq2data

    model = recorder()
    seq2data.fit_generator(
        model, endless(), steps_per_epoch=6, epochs=2, workers=2, verbose=0
    )
    print(list(model.seen))
    seq2data.patch_keras()
    model = recorder()
    model.fit_generator(Numbered(6), epochs=2, shuffle=False, verbose=0)
    model.fit(Numbered(6), workers=2, use_multiprocessing=True, shuffle=False)
    print(list(model.seen))


def legacy() -> None:
    outcomes = []
    for call in (
        lambda model: model.fit_generator(endless(), steps_per_epoch=6, verbose=0),
        lambda model: model.fit(forgetful(), workers=2, verbose=0),
        lambda model: model.fit(endless(), steps_per_epoch=6, verbose=0),
        lambda model: model.fit(forgetful(), verbose=0),
    ):
        try:
            call(recorder())
            outcomes.append("works")
        except (AttributeError, TypeError, ValueError) as error:
            outcomes.append(type(error).__name__)
    print(", ".join(outcomes))


def test_old_sources_are_read(ours: Outcome) -> None:
    lines = ours.succeed()
    names = ["forgetful", "by two workers", "lists", "wrapped"]
    assert lines[:4] == [f"{name}: True" for name in names]


def test_removed_methods(start: Callable[..., Program]) -> None:
    lines = start("removed_methods").finish(120).succeed()
    assert lines[0] == str(list(range(12)))
    assert lines[-1] == str(3 * list(range(6)))


def test_legacy(legacy: Outcome) -> None:
    expected = {
        2: "works, works, works, works",
        3: "AttributeError, TypeError, ValueError, works",
    }
    assert legacy.summary == expected[KERAS_VERSION[0]]
    assert ("super().__init__" in legacy.errors) == IS_KERAS_3
