"""A generator loses items between two calls of `fit`.

keras#11878, tensorflow#45249: what Keras took from the generator to learn its shapes,
or ahead of the last step, is dropped when `fit` returns.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import batch, fit_legacy, recorder

FITS, STEPS = 3, 5


def endless() -> Iterator[Any]:
    """Batches that tell 0, 1, 2, ..."""
    return map(batch, itertools.count())


def ours() -> None:
    from seq2data import to_dataset

    for workers, use_multiprocessing, is_object in itertools.product(
        (0, 1, 2, 8), (True, False), (True, False)
    ):
        dataset = to_dataset(
            endless() if is_object else endless,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
        )
        model = recorder()
        for _ in range(FITS):
            model.fit(dataset, steps_per_epoch=STEPS, verbose=0)
        model.fit(dataset, steps_per_epoch=STEPS, epochs=2, verbose=0)
        model.evaluate(dataset, steps=2, verbose=0)
        print(model.seen == list(range((FITS + 2) * STEPS)), list(model.evaluated))
    print("nothing is lost")


def legacy() -> None:
    source, model = (item for item in endless()), None
    for _ in range(FITS):
        options = {"steps_per_epoch": STEPS, "workers": 1, "use_multiprocessing": False}
        model = fit_legacy(source, model, **options)
    print(model.seen)
    taken = model.seen[-1] + 1
    print(f"{taken - len(set(model.seen))} of {taken} items lost")


def test_fits_go_on_where_the_last_one_stopped(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["True [25, 26]"] * 16


def test_legacy(legacy: Outcome) -> None:
    assert int(legacy.summary.split()[0]) > 0
