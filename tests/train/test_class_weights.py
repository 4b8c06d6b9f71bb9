"""Weights of samples and classes in the forms that old code has them.

Recorded with the native `fit_generator` of Keras 2.15.0 (TensorFlow 2.15.1) on these
models and batches, where it does not raise; 2.10 gave the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.linear_models import forever, linear, sums_of  # noqa: E402
from tests.train.odd_batches import Batches, W, Y, rows, trained  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

CLASS_WEIGHT = {0: 1.0, 1: 3.0}
OF_CLASSES = np.where(Y == 1, np.float32(3), np.float32(1))
COLUMN, BACKWARDS = Y[:, None], W[::-1].copy()

with_metric = pytest.mark.parametrize("metrics", [None, ["mae"]], ids=["", "metric"])


def close(*due: float) -> Any:
    return pytest.approx([*due], abs=2e-6)


def batches(*labels: Any) -> Batches:
    return Batches(lambda index: (rows(index), *labels))


@with_metric
@pytest.mark.parametrize("y", [Y, COLUMN, {"a": COLUMN}, [COLUMN]], ids=str)
@pytest.mark.parametrize(
    "w", [W, W[:, None], [W], {"a": W}, {"a": W[:, None]}], ids=str
)
def test_weights_of_one_output(y: Any, w: Any, metrics: Any) -> None:
    model = linear(weighted_metrics=metrics)
    assert sums_of(batches(y, w), model) == close(trained(weights=W))


@with_metric
@pytest.mark.parametrize(
    "y", [[COLUMN, 2 * COLUMN], {"b": 2 * COLUMN, "a": COLUMN}], ids=["list", "dict"]
)
@pytest.mark.parametrize(
    ("w", "of_b"),
    [
        ({"b": BACKWARDS, "a": W}, BACKWARDS),
        ([W, BACKWARDS], BACKWARDS),
        ((W[:, None], BACKWARDS[:, None]), BACKWARDS),
        ({"a": W}, 1.0),
        ([W, None], 1.0),
        (W, W),
    ],
    ids=["by name", "list", "columns", "one name", "None", "one for both"],
)
def test_weights_of_two_outputs(y: Any, w: Any, of_b: Any, metrics: Any) -> None:
    each = metrics and [metrics, metrics]
    due = close(trained(weights=W), trained(2 * Y, of_b))
    for way in ({}, {"generator": True}):
        model = linear("ab", weighted_metrics=each)
        assert sums_of(batches(y, w), model, **way) == due


def test_recorded_losses_of_two_outputs() -> None:
    model = linear("ab", weighted_metrics=[["mae"], ["mae"]])
    y, w = {"a": COLUMN, "b": 2 * COLUMN}, {"a": W, "b": BACKWARDS}
    history = seq2data.fit_generator(
        model, batches(y, w), verbose=0, shuffle=False, validation_data=batches(y, w)
    ).history
    got = {name: values[0] for name, values in history.items()}
    due = {"loss": 8.9605, "a_loss": 1.7921, "b_loss": 7.1684}
    due = {**due, "a_mae": 0.5627, "b_mae": 1.1253}
    assert {name: got[name] for name in due} == pytest.approx(due, abs=2e-4)
    loss, *_ = seq2data.evaluate_generator(model, forever(batches(y, w)), steps=3)
    assert loss == pytest.approx(got["val_loss"], rel=1e-5)


def test_outputs_by_name_of_a_model_that_returns_a_dict() -> None:
    x = keras.Input((2,))
    dense = [
        keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False, name=name)(x)
        for name in "ab"
    ]
    for w in ({"a": W, "b": BACKWARDS}, [W, BACKWARDS], {"a": W}):
        model = keras.Model(x, dict(zip("ab", dense)))
        model.set_weights([np.zeros((2, 1))] * 2)
        model.compile(keras.optimizers.SGD(0.01), {"a": "mse", "b": "mse"})
        of_b = 1.0 if len(w) == 1 else BACKWARDS
        y = {"a": COLUMN, "b": 2 * COLUMN}
        due = close(trained(weights=W), trained(2 * Y, of_b))
        assert sums_of(batches(y, w), model) == due


def test_weights_of_an_output_that_is_not_there() -> None:
    """Keras 2.15: "Found unexpected losses or metrics that do not correspond"."""
    source = batches([COLUMN, COLUMN], {"a": W, "c": W})
    with pytest.raises(ValueError, match=r"\['a', 'b'\]"):
        sums_of(source, linear("ab"))


@with_metric
@pytest.mark.parametrize("y", [Y, COLUMN, Y.astype("int64"), COLUMN * 0.9], ids=str)
@pytest.mark.parametrize("w", [None, W, W[:, None], W.astype("int64")], ids=str)
def test_class_weights_of_one_output(y: Any, w: Any, metrics: Any) -> None:
    source = batches(y) if w is None else batches(y, w)
    weights = OF_CLASSES * (1 if w is None else W)
    model = linear(weighted_metrics=metrics)
    got = sums_of(source, model, class_weight=CLASS_WEIGHT)
    assert got == close(trained(y.reshape(-1), weights))


@pytest.mark.parametrize(
    "class_weight",
    [
        {"a": CLASS_WEIGHT},
        {"a": [1.0, 3.0]},
        [CLASS_WEIGHT],
        [1.0, 3.0],
        np.array([1.0, 3.0]),
        {"0": 1.0, "1": 3.0},
        {np.int64(0): 1, np.int64(1): 3},
        {0.0: np.float32(1), 1.0: np.float64(3)},
        {False: 1.0, True: 3.0},
        {1: 3.0},
    ],
    ids=repr,
)
def test_forms_of_class_weights(class_weight: Any) -> None:
    """2.15 took those whose keys are 0 and 1, and ended at 0.22502."""
    due = close(trained(weights=OF_CLASSES))
    for y in (COLUMN, {"a": COLUMN}, [COLUMN]):
        assert sums_of(batches(y), class_weight=class_weight) == due
    assert trained(weights=OF_CLASSES) == pytest.approx(0.22502, abs=6e-6)


def test_class_weight_by_the_name_of_a_sequential_output() -> None:
    dense = keras.layers.Dense(1, "linear", False, kernel_initializer="zeros", name="a")
    for layers in ([keras.Input((2,)), dense], [dense]):
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.SGD(0.01), "mse")
        got = sums_of(batches(COLUMN), model, class_weight={"a": CLASS_WEIGHT})
        assert got == close(trained(weights=OF_CLASSES))
        dense.set_weights([np.zeros((2, 1))])


def test_class_weight_of_one_hot_labels() -> None:
    """Recorded: 0.1927 without other weights."""
    y = np.eye(2, dtype=np.float32)[Y.astype(int)]
    got = sums_of(batches(y), linear(units=2), class_weight=CLASS_WEIGHT)
    assert got == pytest.approx([0.1927], abs=6e-5)
    with_column = [
        sums_of(batches(y, w), linear(units=2), class_weight=CLASS_WEIGHT)
        for w in (W, W[:, None])
    ]
    assert with_column[0] == with_column[1]


@pytest.mark.parametrize(
    ("class_weight", "told"),
    [
        ({"cat": 1.0, "dog": 3.0}, "'cat'"),
        ({0.5: 1.0}, "0.5"),
        ({"c": CLASS_WEIGHT}, "'a'"),
        ([CLASS_WEIGHT, CLASS_WEIGHT], "'a'"),
        ({"a": CLASS_WEIGHT, "b": CLASS_WEIGHT}, "'a'"),
        (3.0, "3.0"),
    ],
    ids=repr,
)
def test_class_weights_that_fit_nothing(class_weight: Any, told: str) -> None:
    with pytest.raises(seq2data.SourceError, match="`class_weight`") as caught:
        sums_of(batches(COLUMN), class_weight=class_weight)
    assert told in str(caught.value)


def steps_of_time(units: int) -> Any:
    x = keras.Input((None, 2))
    dense = keras.layers.Dense(units, kernel_initializer="zeros", use_bias=False)
    model = keras.Model(x, dense(x))
    model.compile(keras.optimizers.SGD(0.01), "mse")
    return model


LABELS = np.array([[0, 1, 1], [1, 0, 1]])
OF_STEPS = np.array([[1.0, 2, 3], [4, 5, 6]], np.float32)


@pytest.mark.parametrize("one_hot", [True, False])
@pytest.mark.parametrize("w", [OF_STEPS, OF_STEPS[..., None]], ids=["(n,t)", "(n,t,1)"])
def test_weights_of_time_steps(w: Any, one_hot: bool) -> None:
    """Recorded: 0.23656, and 0.28045 one-hot; with `class_weight` 2.15 raised."""
    y = (np.eye(2)[LABELS] if one_hot else LABELS[..., None]).astype("float32")

    def source(*weights: Any) -> Batches:
        return Batches(lambda i: (np.full((2, 3, 2), i + 1, "float32"), y, *weights))

    units = 2 if one_hot else 1
    due = 0.28045 if one_hot else 0.23656
    assert sums_of(source(w), steps_of_time(units)) == pytest.approx([due], abs=6e-6)
    of_classes = np.where(LABELS == 1, np.float32(3), np.float32(1))
    got = sums_of(source(w), steps_of_time(units), class_weight=CLASS_WEIGHT)
    multiplied = sums_of(source(OF_STEPS * of_classes), steps_of_time(units))
    assert got == pytest.approx(multiplied, abs=1e-6)


def test_class_weights_of_time_steps_beside_weights_of_samples() -> None:
    x, y = np.ones((2, 3, 2), np.float32), LABELS[..., None].astype("float32")
    of_classes = np.where(LABELS == 1, np.float32(3), np.float32(1))
    given = np.array([1.0, 5.0], np.float32)
    right = sums_of(
        Batches(lambda _: (x, y, of_classes * given[:, None])), steps_of_time(1)
    )
    for w in (given, given[:, None]):
        source = Batches(lambda _, w=w: (x, y, w))
        got = sums_of(source, steps_of_time(1), class_weight=CLASS_WEIGHT)
        assert got == pytest.approx(right, abs=1e-6)
