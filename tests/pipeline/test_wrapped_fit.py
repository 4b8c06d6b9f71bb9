"""Keras trains on a dataset of a wrapped class as on any dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from tensorflow import keras  # noqa: E402  # needs TensorFlow

from seq2data import fit_generator, to_dataset, wrap  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


class Line(keras.utils.Sequence):  # type: ignore[misc]
    """`y = 2 x`; has attributes by which Keras 2 tells arrays and iterators."""

    def __init__(self, num_batches: int = 4, batch_size: int = 8) -> None:
        super(Line, self).__init__()  # noqa: UP008  # the subject
        self.count = num_batches
        self.batch_size = batch_size
        self.shape, self.dtype, self.next = (1,), np.float32, None
        self.class_indices = {"line": 0}
        self.ends = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        x = np.linspace(-1, 1, self.batch_size, dtype=np.float32).reshape(-1, 1)
        return x + index / 10, 2 * (x + index / 10)

    def on_epoch_end(self) -> None:
        self.ends += 1


PlainLine = Line
Line = wrap(Line, workers=2)  # type: ignore[misc]


def model() -> Any:
    made = keras.Sequential(
        [keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)]
    )
    made.compile("sgd", "mse")
    return made


def losses(train: Any, **options: Any) -> Any:
    fitted = model().fit(train, epochs=2, verbose=0, shuffle=False, **options)
    return fitted.history["loss"]


def test_fit_trains_as_on_the_dataset_of_the_instance() -> None:
    train = Line()
    assert not isinstance(train, keras.utils.Sequence)
    assert losses(train) == losses(to_dataset(PlainLine(), workers=2))
    assert train.ends == train.source.ends == 2


def test_evaluate_predict_and_validation_take_it() -> None:
    made = model()
    made.fit(Line(), validation_data=Line(2), verbose=0)
    assert np.isfinite(made.evaluate(Line(), verbose=0))
    assert made.predict(Line(3), verbose=0).shape == (24, 1)


def test_fit_generator_reads_it_as_its_own() -> None:
    train = Line()
    fitted = fit_generator(model(), train, steps_per_epoch=len(train), verbose=0)
    assert len(fitted.history["loss"]) == train.ends == 1


def test_attributes_may_change_between_two_fits() -> None:
    train, made = Line(), model()
    made.fit(train, verbose=0)
    train.batch_size = 16
    made.fit(train, verbose=0, steps_per_epoch=len(train))
    assert [x.shape[0] for x, _ in train] == [16] * 4
    assert train.class_indices == {"line": 0}


def test_what_keras_would_take_for_an_array_is_reached_by_the_source() -> None:
    train = Line()
    assert train.shape == (1,)
    assert not hasattr(train, "dtype")
    assert not hasattr(train, "next")
    assert train.source.dtype is np.float32
