"""Floats that a model sees, against what Keras 2 itself shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from seq2data.train.floatx import floatx_of  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.sources import Mixed, Numbered  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

# By Keras 2.15 with workers; `test_keras_2_shows_the_same` asks it.
X = {"scan": "float32", "mask": "float32", "label": "int64", "name": "string"}
DUE = [("train", (X, "float32", "float32")), ("test", (X, "float32", "float32"))]


class KerasMixed(Mixed, keras.utils.Sequence):
    """Of the Keras that there is."""


class Witness(keras.Model):
    """Remembers each step's dtypes; trains nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: list[Any] = []

    def call(self, x: Any) -> Any:
        return tf.zeros_like(x["scan"][:, :1])

    def _note(self, step: str, data: Any) -> None:
        self.dtypes.append((step, tf.nest.map_structure(_name_of, data)))

    def train_step(self, data: Any) -> dict[str, Any]:
        self._note("train", data)
        return {"loss": 0.0}

    def test_step(self, data: Any) -> dict[str, Any]:
        self._note("test", data)
        return {"loss": 0.0}

    def predict_step(self, data: Any) -> Any:
        self._note("predict", data)
        return tf.zeros((4, 1))


def _name_of(tensor: Any) -> str:
    return str(tensor.dtype.name)


def witness() -> Witness:
    model = Witness()
    model.compile("sgd", "mse")
    model.built = True
    return model


def seen(model: Witness) -> list[Any]:
    """What it was traced with, once each."""
    return [each for i, each in enumerate(model.dtypes) if each not in model.dtypes[:i]]


@pytest.fixture
def in_float64() -> Iterator[None]:
    before = keras.backend.floatx(), keras.mixed_precision.global_policy()
    keras.backend.set_floatx("float64")
    yield
    keras.backend.set_floatx(before[0])
    keras.mixed_precision.set_global_policy(before[1])  # Keras 3 made one of floatx


def test_floats_are_in_the_precision_of_keras() -> None:
    model = witness()
    seq2data.fit_generator(model, Mixed(), validation_data=Mixed(), verbose=0)
    seq2data.evaluate_generator(model, Mixed(), steps=3)
    assert seen(model) == DUE
    model.dtypes.clear()
    seq2data.predict_generator(model, Mixed())
    assert seen(model) == [("predict", DUE[0][1])]


@pytest.mark.skipif(IS_KERAS_3, reason="Keras 3 casts only arrays")
def test_keras_2_shows_the_same() -> None:
    model = witness()
    model.fit(KerasMixed(), validation_data=KerasMixed(), verbose=0, workers=2)
    assert seen(model) == DUE


@pytest.mark.usefixtures("in_float64")
def test_other_precision_of_keras() -> None:
    model = witness()
    seq2data.fit_generator(model, Mixed(), verbose=0)
    ((_, (x, y, weights)),) = seen(model)
    assert (x["scan"], x["mask"], y, weights) == ("float64",) * 4


def test_dataset_of_the_user_stays_as_it_is() -> None:
    model = witness()
    seq2data.fit_generator(model, seq2data.to_dataset(Mixed(), workers=0), verbose=0)
    ((_, (x, y, _)),) = seen(model)
    assert (x["scan"], x["mask"], y) == ("float64", "float16", "float64")


def test_model_of_no_known_keras() -> None:
    assert floatx_of(object()) == tf.float32  # `tensorflow.python.keras`, for one


@pytest.mark.usefixtures("patched")
def test_metric_may_multiply_labels_by_predictions() -> None:
    def overlap(y_true: Any, y_pred: Any) -> Any:
        return tf.reduce_sum(y_true * y_pred)

    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")]
    )
    model.compile("sgd", "mse", metrics=[overlap])
    batches = [(x, y.astype("float64")) for x, y in map(Numbered(3).__getitem__, [1])]
    history = model.fit_generator(iter(batches), steps_per_epoch=1, verbose=0)
    assert history.history["overlap"] == [0.0]
