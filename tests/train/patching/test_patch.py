"""Keras with the patches, and without them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.sources import Numbered  # noqa: E402
from tests.train.test_generator_methods import (  # noqa: E402
    Recorder,
    items,
    recorder,
)

keras = tf.keras
pytestmark = pytest.mark.tensorflow

METHODS = ["fit_generator", "evaluate_generator", "predict_generator"]


QUEUE = {"workers": 2, "use_multiprocessing": True, "max_queue_size": 4}


class KerasNumbered(Numbered, keras.utils.Sequence):
    """With a base of Keras, whose `__init__` it does not call; workers load Keras."""


def attributes() -> dict[str, Any]:
    names = [*METHODS, "fit", "evaluate", "predict"]
    return {name: getattr(keras.Model, name, None) for name in names}


def test_patches_are_put_on_once_and_taken_off_whole() -> None:
    before, own = attributes(), set(vars(keras.Model))
    for _ in range(2):
        seq2data.patch_keras()
        first = attributes()
        seq2data.patch_keras()
        assert attributes() == first
        assert first["fit_generator"] is seq2data.fit_generator
        seq2data.unpatch_keras()
        seq2data.unpatch_keras()
        assert attributes() == before
        assert set(vars(keras.Model)) == own


@pytest.mark.usefixtures("patched")
def test_methods_are_back_on_every_kind_of_model() -> None:
    x = keras.Input((3,))
    functional = keras.Model(x, keras.layers.Dense(1)(x))
    sequential = keras.Sequential([keras.layers.Dense(1)])
    threads = {"workers": 2}
    for model, queue in ((functional, {"workers": 0}), (sequential, threads)):
        model.compile("sgd", "mse")
        history = model.fit_generator(KerasNumbered(3), epochs=2, verbose=0, **queue)
        assert len(history.history["loss"]) == 2
        assert model.evaluate_generator(KerasNumbered(3), steps=2) > 0
        assert model.predict_generator(KerasNumbered(3), workers=2).shape == (12, 1)


@pytest.mark.usefixtures("patched")
def test_fit_takes_the_arguments_of_workers_again() -> None:
    model = recorder()
    model.fit(
        KerasNumbered(3),
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=Numbered(2),
        **QUEUE,
    )
    assert model.seen == [0, 1, 2, -1, -2] * 2
    queue = {**QUEUE, "use_multiprocessing": False}
    model.evaluate(KerasNumbered(2), verbose=0, **queue)
    assert model.seen[-2:] == [-1, -2]
    assert model.predict(KerasNumbered(2), verbose=0, **queue).shape == (8, 1)


@pytest.mark.usefixtures("patched")
def test_iterators_that_keras_3_refuses_are_read() -> None:
    model = recorder()
    pairs = zip((x for x, _ in items(9)), (y for _, y in items(9)))
    model.fit(pairs, steps_per_epoch=3, epochs=2, verbose=0)
    assert model.seen == list(range(6))


@pytest.mark.usefixtures("patched")
def test_arrays_and_datasets_go_to_keras_as_they_came() -> None:
    x, y = Numbered(4)[3]
    model = recorder()
    model.fit(x, y, batch_size=2, verbose=0, **QUEUE)
    assert model.seen == [3, 3]
    model.fit(tf.data.Dataset.from_tensors((x, y)), verbose=0)
    model.fit(x, y, verbose=0, validation_data=KerasNumbered(2), workers=2)
    assert model.seen == [3, 3, 3, 3, -1, -2]
    assert model.predict(x, verbose=0).shape == (4, 1)


@pytest.mark.usefixtures("patched")
def test_what_keras_refuses_with_a_sequence_is_still_refused() -> None:
    with pytest.raises(ValueError, match="y"):
        recorder().fit(KerasNumbered(2), np.ones(8), verbose=0)


@pytest.mark.usefixtures("patched")
def test_subclass_that_overrides_fit_is_called_once() -> None:
    calls = []

    class Own(Recorder):
        def fit(self, *args: Any, **kwargs: Any) -> Any:
            calls.append(sorted(kwargs))
            return super().fit(*args, **kwargs)

    model = Own()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(KerasNumbered(2), shuffle=False, verbose=0, workers=2)
    assert calls == [["shuffle", "verbose", "workers"]]
    assert model.seen == [0, 1]


class Slow(keras.optimizers.Optimizer):
    """Gives its rate on by position."""

    def __init__(self, learning_rate: float = 0.1, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 has its own `lr`")
@pytest.mark.parametrize(
    "kind", [keras.optimizers.SGD, keras.optimizers.Adam, Slow], ids=str
)
def test_optimizers_take_the_old_name_of_the_learning_rate(kind: Any) -> None:
    with pytest.raises(ValueError, match="lr"):
        kind(lr=0.5)
    seq2data.patch_keras()
    seq2data.patch_keras()
    with pytest.warns(DeprecationWarning, match="pass `learning_rate`") as heard:
        config = kind(lr=0.5).get_config()
    assert heard[0].filename == __file__
    assert {**config, "name": ""} == {**kind(0.5).get_config(), "name": ""}
    seq2data.unpatch_keras()
    with pytest.raises(ValueError, match="lr"):
        kind(lr=0.5)


@pytest.mark.usefixtures("patched")
def test_loaded_model_goes_on_with_its_methods(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", keras.losses.MeanSquaredError())
    model.fit_generator(KerasNumbered(3), verbose=0)
    is_old = tf.__version__.startswith(("2.10", "2.11"))
    path = str(tmp_path / ("model.h5" if is_old else "model.keras"))
    model.save(path)
    loaded = keras.models.load_model(path)
    assert loaded.evaluate_generator(KerasNumbered(3)) == pytest.approx(
        model.evaluate(KerasNumbered(3), verbose=0)
    )
    model.fit(KerasNumbered(3), shuffle=False, verbose=0, workers=2)
    loaded.fit(KerasNumbered(3), shuffle=False, verbose=0, workers=2)
    for one, other in zip(loaded.get_weights(), model.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.usefixtures("patched")
def test_exception_of_the_source_comes_out_of_fit() -> None:
    with pytest.raises(FileNotFoundError, match="no such scan"):
        recorder().fit(KerasNumbered(4, missing=2), shuffle=False, verbose=0)
