"""What TensorFlow and Keras leave in a legacy object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.workers.payload.loading import sent

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

keras = tf.keras


class Doubling(keras.layers.Layer):  # type: ignore[name-defined, misc]
    """The user's own."""

    def call(self, x: Any) -> Any:
        return x * 2


class Own(keras.Model):  # type: ignore[name-defined, misc]
    """A model with no configuration of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def get_config(self) -> Any:
        return {}


def functional() -> Any:
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(4)(Doubling()(inputs)))
    model.compile("adam", "mse")
    return model


def sequential() -> Any:
    layers = [keras.Input((3,)), keras.layers.Dense(4), keras.layers.LeakyReLU()]
    return keras.Sequential(layers)


def subclassed() -> Any:
    model = Own()
    model(np.ones((1, 3), np.float32))
    return model


def layer() -> Any:
    made = keras.layers.Dense(2)
    made(np.ones((1, 3), np.float32))
    return made


MODELS = {
    "functional": functional,
    "sequential": sequential,
    "subclassed": subclassed,
    "layer": layer,
}
X = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("kind", MODELS)
def test_model_comes_out_with_its_weights(kind: str) -> None:
    model = MODELS[kind]()
    found = sent([model])[0]
    assert type(found) is type(model)
    assert found is not model
    np.testing.assert_allclose(found(X), model(X), rtol=1e-6)


@pytest.mark.parametrize("kind", MODELS)
def test_model_is_sent_again_only_when_it_has_changed(kind: str) -> None:
    model = MODELS[kind]()
    first = pack([model], None)
    assert pack([model], first) is first
    model.set_weights([weight + 1 for weight in model.get_weights()])
    assert pack([model], first) is not first


class Everything:
    """Holds what TensorFlow and Keras gave it."""

    def __init__(self) -> None:
        generator = keras.preprocessing.image.ImageDataGenerator(rescale=0.5)
        pixels = np.arange(8 * 4 * 4 * 3, dtype=np.float32).reshape(8, 4, 4, 3)
        self.images = generator.flow(pixels, np.arange(8), batch_size=2, shuffle=False)
        self.begun = generator.flow(pixels, np.arange(8), batch_size=2, shuffle=False)
        next(self.begun)
        self.tensor = tf.constant([1.0, 2.0, 3.0])
        self.ragged = tf.ragged.constant([[1], [2, 3]])
        self.variable = tf.Variable([5.0, 6.0, 7.0])
        self.function = tf.function(lambda x: x + self.tensor)
        self.encoder = functional()

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        x, y = self.images[index]
        more, _ = self.begun[index]
        z = self.function(self.variable)[None] * index
        return x, y, more, np.asarray(self.encoder(z)), self.ragged[1].numpy()


def test_everything_in_one_object(start_method: str, tmp_path: Path) -> None:
    source = Everything()
    expected = [source[index] for index in range(3)]
    pool = ProcessPool("Everything", 1, 4, start_method=start_method)
    try:
        pool.load(adapt(source))
        task = Task(0, None, (0, 1, 2))
        pool.submit(task)
        result = task.future.result(200)
        assert result.error is None, result.error
        place = 0
        for run in result.runs:
            for number in range(run.count):
                for array, due in zip(run.arrays, expected[place]):
                    np.testing.assert_allclose(array[number], due, rtol=1e-5)
                place += 1
        assert place == 3
    finally:
        pool.close()
