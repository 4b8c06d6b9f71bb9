"""`metrics_names` and the values of `evaluate_generator`, in the order of Keras 2.

The names of `DUE` were recorded with Keras 2.10 and 2.15, which agree: the models below
compiled and evaluated on three batches by their native `evaluate_generator`. On Keras 2
these tests ask them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402

keras = tf.keras
layers = keras.layers
pytestmark = pytest.mark.tensorflow

BCE = "binary_crossentropy"


def mean_distance(y: Any, predicted: Any) -> Any:
    return tf.reduce_mean(tf.abs(y - predicted))


def binary() -> Any:
    return keras.metrics.BinaryAccuracy()


def auc() -> Any:
    return keras.metrics.AUC(name="auc", num_thresholds=5)


ONE: dict[str, tuple[Any, list[str]]] = {
    "loss alone": (lambda: {"loss": "mse"}, ["loss"]),
    "acc": (lambda: {"loss": BCE, "metrics": ["acc"]}, ["loss", "acc"]),
    "accuracy": (lambda: {"loss": BCE, "metrics": ["accuracy"]}, ["loss", "accuracy"]),
    "strings": (
        lambda: {"loss": BCE, "metrics": ["mae", "acc", "binary_accuracy"]},
        ["loss", "mae", "acc", "binary_accuracy"],
    ),
    "function": (
        lambda: {"loss": BCE, "metrics": [mean_distance]},
        ["loss", "mean_distance"],
    ),
    "objects": (
        lambda: {"loss": BCE, "metrics": [binary(), auc()]},
        ["loss", "binary_accuracy", "auc"],
    ),
    "not sorted": (
        lambda: {"loss": BCE, "metrics": ["mse", auc(), "acc", mean_distance]},
        ["loss", "mse", "auc", "acc", "mean_distance"],
    ),
    "weighted of the same name": (
        lambda: {"loss": BCE, "metrics": ["mae"], "weighted_metrics": ["acc", "mae"]},
        ["loss", "mae", "acc", "weighted_mae"],
    ),
    "dict": (
        lambda: {"loss": BCE, "metrics": {"a": ["acc", "mae"]}},
        ["loss", "acc", "mae"],
    ),
}
TWO: dict[str, tuple[Any, list[str]]] = {
    "loss alone": (lambda: {"loss": "mse"}, []),
    "lists": (
        lambda: {"loss": BCE, "metrics": [["acc"], ["mae", "accuracy"]]},
        ["a_acc", "b_mae", "b_accuracy"],
    ),
    "dicts": (
        lambda: {
            "loss": {"a": BCE, "b": "mse"},
            "metrics": {"a": "acc", "b": ["mae", mean_distance]},
        },
        ["a_acc", "b_mae", "b_mean_distance"],
    ),
    "dicts in another order": (
        lambda: {
            "loss": {"b": BCE, "a": "mse"},
            "metrics": {"b": "acc", "a": ["mse", "mae"]},
        },
        ["a_mse", "a_mae", "b_acc"],
    ),
    "one output": (lambda: {"loss": BCE, "metrics": {"b": ["mae"]}}, ["b_mae"]),
    "weighted": (
        lambda: {
            "loss": BCE,
            "metrics": {"b": ["mae"]},
            "weighted_metrics": {"a": "acc", "b": binary()},
        },
        ["a_acc", "b_mae", "b_binary_accuracy"],
    ),
    "loss weights": (
        lambda: {
            "loss": [BCE, "mse"],
            "loss_weights": [1, 0.5],
            "metrics": [[auc()], [binary(), "acc"]],
        },
        ["a_auc", "b_binary_accuracy", "b_acc"],
    ),
}


def model(*names: str, as_dict: bool = False) -> Any:
    x = keras.Input((3,))
    outputs = [
        layers.Dense(1, "sigmoid", name=name, kernel_initializer="ones")(x)
        for name in names
    ]
    if as_dict:
        return keras.Model(x, dict(zip(names, outputs)))
    return keras.Model(x, outputs[0] if len(outputs) == 1 else outputs)


def batches(num_outputs: int, names: Any = None) -> Iterator[Any]:
    for index in range(3):
        y = np.array([[0.0], [1.0]], np.float32)
        ys = tuple(y + number * (1 - y) for number in range(num_outputs))
        weights = tuple(np.array([1.0, 3.0], np.float32) for _ in ys)
        x = np.full((2, 3), index / 10, np.float32)
        if names:
            yield x, dict(zip(names, ys)), dict(zip(names, weights))
        else:
            yield (x, *((p[0] if num_outputs == 1 else p) for p in (ys, weights)))


def assert_names(tried: Any, due: list[str], source: Any) -> None:
    values = tried.evaluate_generator(source(), 3)
    assert tried.metrics_names == due
    if len(due) == 1:
        values = [values]
    by_name = tried.evaluate(source(), steps=3, verbose=0, return_dict=True)
    assert len(values) == len(due)
    assert dict(zip(due, values)) == pytest.approx(by_name)
    ours = seq2data.evaluate_generator(tried, source(), 3)
    assert ours == pytest.approx(values if len(due) > 1 else values[0])


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("kind", ONE)
def test_names_of_one_output(kind: str) -> None:
    arguments, due = ONE[kind]
    tried = model("a")
    tried.compile("sgd", **arguments())
    assert_names(tried, due, lambda: batches(1))


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("kind", TWO)
def test_names_of_two_outputs(kind: str) -> None:
    arguments, due = TWO[kind]
    tried = model("a", "b")
    tried.compile("sgd", **arguments())
    assert_names(tried, ["loss", "a_loss", "b_loss", *due], lambda: batches(2))


@pytest.mark.usefixtures("patched")
def test_names_of_outputs_in_a_dict_and_of_names_that_begin_alike() -> None:
    tried = model("mask", "mask_b", as_dict=True)
    metrics = {"mask_b": ["mae"], "mask": ["acc", "mse"]}
    tried.compile("sgd", {"mask_b": "mse", "mask": BCE}, metrics=metrics)
    due = ["mask_acc", "mask_mse", "mask_b_mae"]
    names = ["mask", "mask_b"]
    assert_names(
        tried,
        ["loss", "mask_loss", "mask_b_loss", *due],
        lambda: batches(2, names),
    )


class WithOwn(keras.Model):
    """Has a metric of its own beside those of `compile`."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, "sigmoid")
        self.own = keras.metrics.Mean(name="own")

    def call(self, x: Any) -> Any:
        return self.dense(x)


class OnlyOwn(WithOwn):
    """Names its metrics itself, and returns more."""

    @property
    def metrics(self) -> Any:
        return [self.own]

    def test_step(self, data: Any) -> Any:
        self.own.update_state(2.0)
        return {"zebra": 3.0, "own": self.own.result(), "ape": 1.0}


@pytest.mark.usefixtures("patched")
def test_metrics_of_the_models_own_come_last() -> None:
    tried = WithOwn()
    tried.compile("sgd", BCE, metrics=["mae", "acc"])
    assert_names(tried, ["loss", "mae", "acc", "own"], lambda: batches(1))


@pytest.mark.usefixtures("patched")
def test_values_without_a_name_are_behind_the_others_in_order() -> None:
    tried = OnlyOwn()
    tried.compile("sgd", BCE)
    assert tried.evaluate_generator(batches(1), 3) == [2.0, 1.0, 3.0]
    assert tried.metrics_names == ["own"]


@pytest.mark.usefixtures("patched")
def test_arrays_and_single_batches_have_the_same_order() -> None:
    tried = model("a", "b")
    tried.compile("sgd", BCE, metrics={"b": "acc", "a": ["mse", "mae"]})
    x, ys, _ = next(batches(2))
    evaluated = tried.evaluate(x, list(ys), verbose=0)
    by_name = tried.evaluate(x, list(ys), verbose=0, return_dict=True)
    assert dict(zip(tried.metrics_names, evaluated)) == pytest.approx(by_name)
    assert tried.test_on_batch(x, list(ys)) == pytest.approx(evaluated, rel=1e-4)
    assert len(tried.train_on_batch(x, list(ys))) == len(evaluated)
    assert set(tried.train_on_batch(x, list(ys), return_dict=True)) == set(by_name)


@pytest.mark.usefixtures("patched")
def test_names_follow_a_model_that_is_compiled_anew() -> None:
    tried = model("a")
    for metrics in (["acc"], ["mse", "mae"]):
        tried.compile("sgd", BCE, metrics=metrics)
        tried.evaluate_generator(batches(1), 3)
        assert tried.metrics_names == ["loss", *metrics]


def test_function_without_patches_has_the_order_too() -> None:
    tried = model("a", "b")
    tried.compile("sgd", BCE, metrics={"b": "acc", "a": ["mse", "mae"]})
    values = seq2data.evaluate_generator(tried, batches(2), 3)
    by_name = tried.evaluate(
        seq2data.to_dataset(batches(2)), steps=3, verbose=0, return_dict=True
    )
    due = ["loss", "a_loss", "b_loss", "a_mse", "a_mae", "b_acc"]
    assert dict(zip(due, values)) == pytest.approx(by_name)


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 has its own names")
def test_unpatch_takes_the_names_back() -> None:
    tried = model("a")
    tried.compile("sgd", BCE, metrics=["acc"])
    names, methods = tried.metrics_names, [keras.Model.evaluate, tried.test_on_batch]
    seq2data.patch_keras()
    assert tried.metrics_names != names
    seq2data.unpatch_keras()
    assert tried.metrics_names == names == ["loss", "compile_metrics"]
    assert [keras.Model.evaluate, tried.test_on_batch] == methods


def test_class_that_overrides_evaluate_decides_itself() -> None:
    class Own(WithOwn):
        def evaluate(self, x: Any, **arguments: Any) -> Any:
            assert "return_dict" not in arguments
            return ["mine", super().evaluate(x, **arguments)]

    tried = Own()
    tried.compile("sgd", BCE, metrics=["mae"])
    first, values = seq2data.evaluate_generator(tried, batches(1), 3)
    assert first == "mine"
    assert len(values) == 3
