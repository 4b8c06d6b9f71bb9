"""Keras trains on the dataset: `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.hostile import Misbehaving
from tests.sources import Regression, Squares, endless

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


class Counter(tf.keras.callbacks.Callback):
    """Counts what Keras says of its progress."""

    def __init__(self) -> None:
        super().__init__()
        self.trained: list[int] = []
        self.tested = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.trained.append(0)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.trained[-1] += 1

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tested += 1


def _model(width: int = 1) -> Any:
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(tf.keras.optimizers.SGD(0.1), "mse")
    model.build((None, width))
    return model


def test_fit_trains_on_every_batch_of_every_epoch(mode: dict[str, Any]) -> None:
    train, validation, counter = Regression(5), Regression(3), Counter()
    history = _model().fit(
        to_dataset(train, **mode),
        validation_data=to_dataset(validation, **mode),
        epochs=3,
        verbose=0,
        callbacks=[counter],
    )
    assert counter.trained == [5, 5, 5]
    assert counter.tested == 9
    assert len(train.calls) == 3
    assert len(validation.calls) == 3
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert len(history.history["val_loss"]) == 3


def test_fit_gives_the_losses_of_the_batches_themselves() -> None:
    batches = [Regression()[index] for index in range(5)]
    x, y = (np.concatenate(part) for part in zip(*batches))
    losses = []
    model = _model()
    weights = model.get_weights()
    for data in (
        {"x": to_dataset(Regression(), workers=2)},
        {"x": x, "y": y, "batch_size": 8, "shuffle": False},
    ):
        model.set_weights(weights)
        losses.append(model.fit(**data, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_fit_builds_a_model_from_the_first_batch(mode: dict[str, Any]) -> None:
    source = Regression()
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", "mse")
    model.fit(to_dataset(source, **mode), epochs=2, verbose=0)
    assert model.count_params() == 2
    assert len(source.calls) == 2


def test_progress_bar_knows_the_number_of_batches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _model().fit(to_dataset(Regression(), workers=0), epochs=1, verbose=1)
    printed = capsys.readouterr().out
    assert "5/5" in printed
    assert "Unknown" not in printed


def test_two_fits_are_more_epochs_of_the_same_source() -> None:
    source, model = Regression(), _model()
    dataset = to_dataset(source, workers=2)
    model.fit(dataset, epochs=1, verbose=0)
    model.fit(dataset, epochs=2, verbose=0)
    assert len(source.calls) == 3


def test_evaluate_and_predict_see_every_row_in_order(mode: dict[str, Any]) -> None:
    model = _model()
    model.layers[0].set_weights([np.float32([[3.0]]), np.float32([0.0])])
    dataset = to_dataset(Regression(), **mode)
    x, y = (np.concatenate(p) for p in zip(*(Regression()[i] for i in range(5))))
    np.testing.assert_allclose(model.predict(dataset, verbose=0), 3 * x, rtol=1e-6)
    loss = model.evaluate(dataset, verbose=0)
    np.testing.assert_allclose(loss, np.mean((3 * x - y) ** 2), rtol=1e-5)


def test_endless_generator_trains_with_steps_per_epoch(mode: dict[str, Any]) -> None:
    counter = Counter()
    dataset = to_dataset(endless, **mode).map(_forget_labels)
    _model(3).fit(dataset, steps_per_epoch=4, epochs=3, verbose=0, callbacks=[counter])
    assert counter.trained == [4, 4, 4]


def _forget_labels(x: Any, y: Any) -> Any:
    return x / 1000, tf.zeros_like(x[:, :1])


def test_samples_train_in_batches() -> None:
    def transform(number: int) -> Any:
        return np.float32([number / 40]), np.float32([number / 20])

    counter = Counter()
    dataset = to_dataset(
        range(40), transform=transform, batch_size=16, shuffle=True, seed=1, workers=2
    )
    _model().fit(dataset, epochs=2, verbose=0, callbacks=[counter])
    assert counter.trained == [3, 3]


def test_error_in_a_batch_ends_fit_with_its_message(mode: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.OpError, match="no such patient") as error_info:
        _model(3).fit(
            to_dataset(Misbehaving("raise_key_error"), **mode), epochs=1, verbose=0
        )
    assert "batch 3" in str(error_info.value)


def test_stopping_early_leaves_nothing() -> None:
    class Stop(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                raise KeyboardInterrupt

    source = Squares(50)
    dataset = to_dataset(source, transform=_first_column, workers=2)
    with pytest.raises(KeyboardInterrupt):
        _model(3).fit(dataset, epochs=2, verbose=0, callbacks=[Stop()])


def _first_column(batch: Any) -> Any:
    x, _ = batch
    return x, x[:, :1]
