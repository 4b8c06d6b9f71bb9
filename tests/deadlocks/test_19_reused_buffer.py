"""`__getitem__` fills one and the same array for every batch.

tensorflow#34099: threads hand on a reference to the array, and the next batch
overwrites it before the training looks at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import fit_legacy

# Batches of different sizes take different ways to TensorFlow.
_ROWS = (2, 300_000)


class Reused:
    """Thirty batches, each full of its own index, in memory that they share."""

    def __init__(self, rows: int = 2) -> None:
        self.x = np.zeros((rows, 1), np.float32)
        self.y = np.zeros((rows, 1), np.float32)

    def __len__(self) -> int:
        return 30

    def __getitem__(self, index: int) -> Any:
        self.x[:] = index
        self.y[:] = -index
        return self.x, self.y


class ReusedItems(Reused):
    """The same as a generator function."""

    __getitem__ = None

    def __iter__(self) -> Iterator[Any]:
        for index in range(30):
            yield Reused.__getitem__(self, index)


def wrong_batches(dataset: Any) -> int:
    """How many are not what their place says; all are held to the end."""
    batches = list(dataset)
    assert len(batches) == 30
    return sum(
        not (np.all(x.numpy() == place) and np.all(y.numpy() == -place))
        for place, (x, y) in enumerate(batches)
    )


def ours() -> None:
    from seq2data import to_dataset

    for rows in _ROWS:
        for mode in (
            {"workers": 0},
            # With more, two threads would fill the array at once: user code that is
            # wrong before anybody could copy.
            {"workers": 1, "use_multiprocessing": False},
            {"workers": 1},
            {"workers": 3},
        ):
            print(wrong_batches(to_dataset(Reused(rows), **mode)))
            print(wrong_batches(to_dataset(ReusedItems(rows), **mode)))
    print("every batch right")


def legacy() -> None:
    model = fit_legacy(Reused(), use_multiprocessing=False)
    wrong = sum(seen != place for place, seen in enumerate(model.seen))
    print(f"{wrong} of {len(model.seen)} batches wrong, silently")


def test_batches_are_copied_before_the_next(ours: Outcome) -> None:
    assert ours.succeed()[:-1] == ["0"] * 16


def test_legacy(legacy: Outcome) -> None:
    wrong, _, rest = legacy.summary.partition(" ")
    assert rest == "of 30 batches wrong, silently"
    assert int(wrong) > 0
