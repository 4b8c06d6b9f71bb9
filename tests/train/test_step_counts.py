"""Numbers that old scripts compute, against what `while done < steps` makes of them.

Keras 2.10 and 2.15 ran 2 steps for 2.0 and 3 for 2.5, in all three methods; floats of
epochs they refused with `'float' object cannot be interpreted as an integer`.
"""

from __future__ import annotations

import decimal
import fractions
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from seq2data.options import Options  # noqa: E402
from tests.train.sources import Numbered  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

TWO = [
    2.0,
    np.ceil(9 / 5),
    np.float32(2),
    np.float64(2),
    np.int64(2),
    np.uint8(2),
    np.array(2.0),
    np.array(2),
    decimal.Decimal(2),
    fractions.Fraction(4, 2),
]
every_two = pytest.mark.parametrize("two", TWO, ids=repr)


class Counter(keras.Model):
    """Counts its steps; trains nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = {"train": 0, "test": 0, "predict": 0}
        self.built = True
        self.compile("sgd", "mse", run_eagerly=True)

    def train_step(self, data: Any) -> dict[str, Any]:
        self.steps["train"] += 1
        return {"loss": 0.0}

    def test_step(self, data: Any) -> dict[str, Any]:
        self.steps["test"] += 1
        return {"loss": 0.0}

    def predict_step(self, data: Any) -> Any:
        self.steps["predict"] += 1
        return tf.zeros((1, 1))


def fit(source: Any = None, **arguments: Any) -> Counter:
    model = Counter()
    source = Numbered(4) if source is None else source
    seq2data.fit_generator(model, source, verbose=0, **arguments)
    return model


def items() -> Iterator[Any]:
    while True:
        yield Numbered(4)[0]


@every_two
def test_steps_of_training_and_validation(two: Any) -> None:
    model = fit(steps_per_epoch=two, validation_data=Numbered(4), validation_steps=two)
    assert (model.steps["train"], model.steps["test"]) == (2, 2)
    assert fit(items(), steps_per_epoch=two).steps["train"] == 2


@every_two
def test_epochs_and_their_validation(two: Any) -> None:
    validation = Numbered(1)
    model = fit(epochs=two, validation_data=validation, validation_freq=two)
    assert (model.steps["train"], model.steps["test"]) == (2 * 4, 1)
    assert fit(epochs=5, initial_epoch=two).steps["train"] == 3 * 4


@every_two
def test_steps_of_evaluation_and_prediction(two: Any) -> None:
    model = Counter()
    seq2data.evaluate_generator(model, Numbered(4), two)
    seq2data.evaluate_generator(model, items(), steps=two)
    seq2data.predict_generator(model, Numbered(4), two)
    seq2data.predict_generator(model, items(), steps=two)
    assert (model.steps["test"], model.steps["predict"]) == (4, 4)


@pytest.mark.parametrize("two", [2.0, np.float64(2), np.array(2)], ids=repr)
def test_workers_and_their_queue(two: Any) -> None:
    assert fit(workers=two, max_queue_size=two).steps["train"] == 4
    source, arguments = items(), {"workers": two, "max_queue_size": two}
    assert fit(source, steps_per_epoch=3, **arguments).steps["train"] == 3


@pytest.mark.parametrize("steps", [2.5, np.float64(17 / 8), fractions.Fraction(9, 4)])
def test_part_of_a_step_is_a_step(steps: Any) -> None:
    validation = {"validation_data": Numbered(4), "validation_steps": steps}
    model = fit(steps_per_epoch=steps, **validation)
    seq2data.predict_generator(model, items(), steps)
    seq2data.evaluate_generator(model, items(), steps)
    assert model.steps == {"train": 3, "test": 6, "predict": 3}


@pytest.mark.usefixtures("patched")
def test_methods_of_a_model_take_them() -> None:
    model = Counter()
    model.fit(Numbered(4), steps_per_epoch=3.0, epochs=2.0, workers=1.0, verbose=0)
    model.evaluate(Numbered(4), steps=np.ceil(1.5), max_queue_size=2.0, verbose=0)
    model.predict(Numbered(4), steps=1.0, verbose=0)
    assert model.steps == {"train": 6, "test": 2, "predict": 1}
    x, y = Numbered(4)[0]
    model.fit(
        x, y, verbose=0, epochs=np.int64(1), validation_data=Numbered(4),
        validation_steps=2.0,
    )  # fmt: skip
    assert model.steps["test"] == 4


@pytest.mark.filterwarnings("ignore:.*is Keras 1's name:DeprecationWarning")
def test_spellings_of_keras_1() -> None:
    source = Numbered(20)
    source.batch_size = 4
    model = fit(
        source, samples_per_epoch=12.0, nb_epoch=np.float64(2), max_q_size=3.0,
        nb_worker=np.ceil(1.5), validation_data=Numbered(4), nb_val_samples=2.0,
    )  # fmt: skip
    assert (model.steps["train"], model.steps["test"]) == (2 * 3, 2 * 2)


@pytest.mark.parametrize(
    "epochs", [[2, 3.0], (2, 3), {2.0, 3}, np.array([2, 3]), range(2, 4)], ids=repr
)
def test_validation_after_some_epochs(epochs: Any) -> None:
    model = fit(epochs=4, validation_data=Numbered(1), validation_freq=epochs)
    assert model.steps["test"] == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 2.5),
        ("initial_epoch", "0"),
        ("validation_freq", 1.5),
        ("validation_freq", "2"),
        ("steps_per_epoch", float("nan")),
        ("steps_per_epoch", float("inf")),
        ("steps_per_epoch", "2"),
        ("validation_steps", True),
        ("workers", 1.5),
        ("max_queue_size", np.array([2])),
    ],
)
def test_what_is_no_number_is_named(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must be a whole number") as caught:
        fit(**{"validation_data": Numbered(2), name: value})
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [0, 0.0, -1, -0.5])
def test_no_steps_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="`steps_per_epoch` must be a whole number"):
        fit(steps_per_epoch=value)


def test_dataset_takes_them() -> None:
    source = [np.full(2, index) for index in range(8)]
    dataset = seq2data.to_dataset(
        source, workers=2.0, max_queue_size=np.float64(3), seed=7.0,
        batch_size=np.float64(4), use_multiprocessing=False,
    )  # fmt: skip
    assert [batch.shape for batch in dataset] == [(4, 2)] * 2


def test_settings_are_ints() -> None:
    made = Options(workers=np.float64(3), max_queue_size=4.0, seed=np.array(5))
    for value, due in ((made.workers, 3), (made.max_queue_size, 4), (made.seed, 5)):
        assert (type(value), value) == (int, due)
