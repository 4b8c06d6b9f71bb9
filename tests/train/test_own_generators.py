"""Old loops call `fit_generator` for each epoch: the source's generators go on."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")

from tensorflow import keras  # noqa: E402

from seq2data import evaluate_generator, fit_generator  # noqa: E402
from tests.train.sources import Noise  # noqa: E402

pytestmark = pytest.mark.tensorflow


class Labels(keras.losses.Loss):
    """Keeps the labels that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def call(self, y_true: Any, y_pred: Any) -> Any:
        self.seen.append(float(y_true[0, 0]))
        return tf.reduce_sum(y_pred, axis=-1) * 0.0


def labels_of(run: Any) -> list[float]:
    loss = Labels()
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss, run_eagerly=True)
    run(model)
    return loss.seen


@pytest.mark.parametrize("use_multiprocessing", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_call_for_each_epoch_draws_what_one_call_draws(
    workers: int, use_multiprocessing: bool
) -> None:
    how = {"workers": workers, "use_multiprocessing": use_multiprocessing, "verbose": 0}
    source = Noise()

    def one_by_one(model: Any) -> None:
        for _ in range(3):
            fit_generator(model, source, epochs=1, shuffle=False, **how)

    found = labels_of(one_by_one)
    at_once = labels_of(
        lambda model: fit_generator(model, Noise(), epochs=3, shuffle=False, **how)
    )
    assert found == at_once
    assert len(set(found)) == 9


def test_evaluation_draws_anew_in_each_call() -> None:
    source = Noise()
    first, second = (
        labels_of(lambda model: evaluate_generator(model, source, verbose=0))
        for _ in range(2)
    )
    assert not set(first) & set(second)
