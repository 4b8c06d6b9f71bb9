"""An endless PyDataset with `steps_per_epoch`, and a finite one with three workers.

keras#20032, keras#20425: early Keras 3 ran out of data in both. It is mended there, and
must work here.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

NUM_BATCHES, STEPS, EPOCHS = 12, 5, 3
FINITE = list(range(NUM_BATCHES)) * EPOCHS
ENDLESS = list(range(STEPS * EPOCHS))


class Endless:
    """Has no `__len__`; Keras 3 takes `num_batches` for it, and None for endless."""

    num_batches = None

    def __getitem__(self, index: int) -> Any:
        return batch(index)


def ours() -> None:
    from seq2data import to_dataset
    from seq2data.errors import SourceError

    for use_multiprocessing in True, False:
        reading = {"workers": 3, "use_multiprocessing": use_multiprocessing}
        model = recorder()
        model.fit(to_dataset(Numbered(), **reading), epochs=EPOCHS, verbose=0)
        print("finite:", model.seen == FINITE)
        source = Endless()
        model = recorder()
        options = {"steps_per_epoch": STEPS, "epochs": EPOCHS, "verbose": 0}
        model.fit(to_dataset(map(source.__getitem__, count()), **reading), **options)
        print("as an iterator:", model.seen == ENDLESS)
        try:
            model = recorder()
            model.fit(to_dataset(source, **reading), **options)
            print("endless:", model.seen == ENDLESS)
        except SourceError as error:
            print("endless:", error)
    print("works; an endless one as an iterator")


def legacy() -> None:
    seen = fit_legacy(Numbered(), workers=3, epochs=EPOCHS).seen
    print("finite:", list(seen) == FINITE)
    if not IS_KERAS_3:
        print("works; Keras 2 has no endless ones")
        return
    from tensorflow import keras

    class EndlessDataset(Endless, keras.utils.PyDataset):
        num_batches = None

    source = EndlessDataset(workers=2, use_multiprocessing=True)
    model = recorder()
    model.fit(source, steps_per_epoch=STEPS, epochs=EPOCHS, verbose=0)
    print("endless:", list(model.seen) == ENDLESS)
    print("works")


def test_finite_source_with_three_workers(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines.count("finite: True") == 2
    assert lines.count("as an iterator: True") == 2


def test_endless_source(ours: Outcome) -> None:
    assert ours.succeed().count("endless: True") == 2


def test_legacy(legacy: Outcome) -> None:
    assert legacy.lines[0] == "finite: True"
    if not IS_KERAS_3:
        assert legacy.summary == "works; Keras 2 has no endless ones"
    else:
        assert legacy.lines[1:] == ["endless: True", "works"]
