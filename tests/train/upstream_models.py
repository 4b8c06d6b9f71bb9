"""Models and callbacks of the tests of what Keras's own tests check."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras


class Shapes(keras.Model):
    """Remembers the shapes of each batch in its nesting; trains nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[Any] = []

    def call(self, x: Any) -> Any:
        return tf.nest.flatten(x)[0]

    def train_step(self, data: Any) -> dict[str, Any]:
        self.shapes.append(tf.nest.map_structure(lambda leaf: tuple(leaf.shape), data))
        return {"loss": 0.0}


class WithoutCall(keras.Model):
    """Its steps need no forward pass."""

    def train_step(self, data: Any) -> dict[str, Any]:
        return {"loss": 0.0}

    def test_step(self, data: Any) -> dict[str, Any]:
        return {"loss": 0.0}


class Tracker(keras.callbacks.Callback):
    """Remembers each epoch's number, steps taken and steps announced."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []
        self.steps: list[int] = []
        self.announced: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)
        self.steps.append(0)
        self.announced.append(self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps[-1] += 1


class Counter(keras.callbacks.Callback):
    """Counts the calls of every hook of a callback."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        for run in ("epoch", "train", "test", "predict"):
            for part in ("", "_batch"):
                for when in ("begin", "end"):
                    self._count(f"on_{run}{part}_{when}")

    def _count(self, hook: str) -> None:
        def called(*_: Any, **__: Any) -> None:
            self.counts[hook] = self.counts.get(hook, 0) + 1

        if hasattr(keras.callbacks.Callback, hook):
            setattr(self, hook, called)


def linear(inputs: int = 3) -> Any:
    """A compiled model whose predictions are the sums of its inputs."""
    model = keras.Sequential(
        [keras.Input((inputs,)), keras.layers.Dense(1, kernel_initializer="ones")]
    )
    model.compile("sgd", "mse")
    return model


def two_outputs() -> Any:
    """Both outputs are three times their input, and training does not change that."""
    first, second = keras.Input((1,)), keras.Input((1,))
    triple = keras.layers.Dense(3, kernel_initializer="ones")
    outputs = [
        keras.layers.Dense(1, kernel_initializer="ones", name=name)(triple(each))
        for name, each in (("one", first), ("two", second))
    ]
    model = keras.Model([first, second], outputs)
    model.compile(
        keras.optimizers.SGD(0.0),
        ["mse", "mse"],
        metrics=[["mae"], ["mae"]],
        weighted_metrics=[["mse"], ["mse"]],
    )
    return model


def squared_error(x: Any, y: Any, weights: Any = None) -> float:
    """The loss of `linear` on arrays: a mean over samples, not over weights."""
    errors = (np.sum(x, axis=1) - y[:, 0]) ** 2
    return float(np.mean(errors if weights is None else errors * weights))
