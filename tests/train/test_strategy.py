"""Generators under `tf.distribute.MirroredStrategy`, on two CPUs that are one.

Logical devices are set before TensorFlow's first use, so in a program of its own. Keras
2.15 trains on 0 to 3 and 4 to 7 (tried); Keras 3 drops what it looks at beforehand.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

PROGRAM = """
import functools, json, sys
import numpy as np
import tensorflow as tf
import seq2data
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
keras = tf.keras

class Total(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="total")
        self.total = self.add_weight(name="total", initializer="zeros")
    def update_state(self, y, *_, **__):
        self.total.assign_add(tf.reduce_sum(10.0 ** tf.cast(y, tf.float32)) / 4)
    def result(self):
        return self.total + 0.0
    def reset_state(self):
        self.total.assign(0.0)

def items(num_items=100):
    for index in range(num_items):
        yield np.full((4, 1), index, np.float32), np.full((4, 1), index, np.float32)

def next_of(generator):
    return int(next(generator)[0][0, 0])

def model():
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        made.compile("sgd", "mse", metrics=[Total()])
    return made

def train():
    source, validation, tried = items(), items(), model()
    history = seq2data.fit_generator(
        tried, source, 2, 3, verbose=0,
        validation_data=validation, validation_steps=1,
    ).history
    return [[round(float(v)) for v in history[name]] for name in ("total", "val_total")]

def again():
    source, tried = items(), model()
    dataset = seq2data.to_dataset(source)
    fits = [
        seq2data.fit_generator(tried, dataset, 2, verbose=0).history["total"][0]
        for _ in range(2)
    ]
    evaluated = seq2data.evaluate_generator(tried, dataset, 1)[1]
    return [round(float(v)) for v in (*fits, evaluated)]

def functions():
    tried, function = model(), functools.partial(items, 3)
    history = seq2data.fit_generator(
        tried, function, 2, 3, verbose=0, validation_data=function,
    ).history
    return [[round(float(v)) for v in history[name]] for name in ("total", "val_total")]

def callbacks():
    heard = []
    listen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: heard.append(epoch)
    )
    tried = model()
    seq2data.fit_generator(tried, items(), 1, 2, verbose=0, callbacks=[listen])
    seq2data.patch_keras()
    tried.fit(items(), steps_per_epoch=1, epochs=2, verbose=0, callbacks=listen)
    seq2data.unpatch_keras()
    return heard

def arrays():
    x = np.zeros((4, 1), np.float32)
    seq2data.patch_keras()
    history = model().fit(
        x, x, epochs=2, verbose=0, validation_data=items(), validation_steps=2
    ).history
    seq2data.unpatch_keras()
    return [round(float(v)) for v in history["val_total"]]

def predictions():
    source, tried = items(), model()
    tried.predict(np.zeros((4, 1), np.float32), verbose=0)
    tried.set_weights([np.ones((1, 1)), np.zeros(1)])
    got = seq2data.predict_generator(tried, source, 3)
    return [got[::4, 0].round().tolist(), next_of(source)]

def position():
    source, tried = items(), model()
    seq2data.fit_generator(tried, source, 2, 2, verbose=0)
    return next_of(source)

def ends():
    try:
        seq2data.fit_generator(model(), items(3), 2, 2, verbose=0)
    except seq2data.SourceError as error:
        return str(error)
    return "no error"

print(json.dumps({
    function.__name__: function()
    for function in (
        train, again, functions, callbacks, arrays, predictions, position, ends
    )
}))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


def test_each_batch_is_trained_on_and_validated_once(told: dict[str, Any]) -> None:
    assert told["train"] == [[11, 1100, 110000], [1, 10, 100]]


def test_calls_on_one_dataset_go_on(told: dict[str, Any]) -> None:
    from tests.keras_version import IS_KERAS_3

    first, *others = told["again"]
    assert first == 11
    if IS_KERAS_3:  # Keras 2 drops what the strategy has fetched ahead
        assert others == [1100, 10000]


def test_function_is_called_again_in_training_and_validation(
    told: dict[str, Any],
) -> None:
    assert told["functions"] == [[11, 101, 110], [111] * 3]


def test_callbacks_of_every_form_are_called(told: dict[str, Any]) -> None:
    assert told["callbacks"] == [0, 1] * 2


def test_arrays_are_validated_on_each_batch_once(told: dict[str, Any]) -> None:
    assert told["arrays"] == [11, 1100]


def test_prediction_leaves_what_it_has_not_taken(told: dict[str, Any]) -> None:
    assert told["predictions"] == [[0.0, 1.0, 2.0], 3]


def test_training_leaves_what_it_has_not_taken(told: dict[str, Any]) -> None:
    from tests.keras_version import IS_KERAS_3

    if IS_KERAS_3:
        assert told["position"] == 4
    else:
        assert 4 <= told["position"] < 4 + 5  # what the strategy fetches ahead


def test_generator_that_ends_too_early(told: dict[str, Any]) -> None:
    from tests.keras_version import IS_KERAS_3

    message = "`items` came to its end after 3 batches" if IS_KERAS_3 else "no error"
    assert message in told["ends"]
