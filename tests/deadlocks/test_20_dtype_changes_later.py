"""The first batches are integers, a later one is not.

No issue is known. `from_generator` casts every batch to the dtypes of the first: 2.75
becomes 2, without a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import fit_legacy, recorder

MODES: list[dict[str, Any]] = [
    {"workers": 0},
    {"workers": 2, "use_multiprocessing": False},
    {"workers": 2},
]


class Prices:
    """Prices are whole numbers where they can be; that of batch `at` is 2.75."""

    def __init__(self, at: int = 5) -> None:
        self.at = at

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        y = np.array([[2.75]]) if index == self.at else np.array([[index]])
        return np.zeros((1, 1), np.float32), y


def ours() -> None:
    import tensorflow as tf

    from seq2data import BatchError, to_dataset

    x, y = (tf.TensorSpec([None, 1], dtype) for dtype in (tf.float32, tf.float64))
    for mode in MODES:
        iterator = iter(to_dataset(Prices(), **mode))
        before = [int(next(iterator)[1].numpy().flat[0]) for _ in range(5)]
        facts = ("[1] of batch 5", "float64", "int64", "output_signature")
        try:
            next(iterator)
        except tf.errors.OpError as error:
            print(before, all(fact in str(error) for fact in facts))
        try:  # the last batch is looked at beforehand
            to_dataset(Prices(at=11), **mode)
        except BatchError as error:
            print(error.index, "[1]" in str(error), "output_signature" in str(error))
        dataset = to_dataset(Prices(), output_signature=(x, y), **mode)
        prices = [float(y.numpy().flat[0]) for _, y in dataset]
        print(prices == [0, 1, 2, 3, 4, 2.75, 6, 7, 8, 9, 10, 11])
    print("an error that names the batch and the leaf")


def legacy() -> None:
    model = recorder()
    prices: list[float] = []

    def train_step(data: Any) -> dict[str, Any]:
        prices.append(float(np.asarray(data[1]).flat[0]))
        return {"loss": 0.0}

    model.train_step = train_step
    fit_legacy(Prices(), model)
    print(f"trained on {prices[5]} in place of 2.75, silently")


def test_lossy_cast_is_an_error(ours: Outcome) -> None:
    expected = ["[0, 1, 2, 3, 4] True", "11 True True", "True"]
    assert ours.succeed()[:-1] == expected * len(MODES)


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == "trained on 2.0 in place of 2.75, silently"
