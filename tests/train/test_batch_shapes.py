"""Batches of other sizes than those looked at beforehand, which the model takes.

Keras 2 trains on all of these. Here the first and the last batch agree by chance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.keras_version import IS_KERAS_3  # noqa: E402
from tests.train.odd_batches import Batches  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow

LENGTHS = (5, 7, 5)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def mean_of_tokens(x: Any) -> Any:
    embedded = keras.layers.Embedding(10, 4)(x)
    return keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(embedded))


def tokens() -> Any:
    x = keras.Input((None,), dtype="int64")
    return keras.Model(x, mean_of_tokens(x)), "mse"


def tags() -> Any:
    x = keras.Input((None, 3))
    outputs = keras.layers.Dense(4, activation="softmax")(x)
    return keras.Model(x, outputs), "sparse_categorical_crossentropy"


def images() -> Any:
    x = keras.Input((None, None, 3))
    return keras.Model(x, keras.layers.Conv2D(1, 3, padding="same")(x)), "mse"


def recurrent() -> Any:
    layers = [keras.layers.LSTM(4), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((None, 3)), *layers])
    return model, "sparse_categorical_crossentropy"


def two_inputs(nest: Any) -> Any:
    a, b = (
        keras.Input((None,), name="a", dtype="int64"),
        keras.Input((None, 2), name="b"),
    )
    of_b = keras.layers.Dense(1)(keras.layers.GlobalAveragePooling1D()(b))
    outputs = keras.layers.Add()([mean_of_tokens(a), of_b])
    return keras.Model(nest(a, b), outputs), "mse"


def as_dict(a: Any, b: Any) -> Any:
    return {"a": a, "b": b}


def as_list(a: Any, b: Any) -> Any:
    return [a, b]


def of_both(nest: Any) -> Any:
    return lambda n: (nest(ones(2, n).astype("int64"), ones(2, n + 1, 2)), ones(2, 1))


CASES: dict[str, tuple[Any, Any]] = {
    "tokens": (tokens, lambda n: (ones(2, n).astype("int64"), ones(2, 1))),
    "tags": (tags, lambda n: (ones(2, n, 3), ones(2, n).astype("int64"))),
    "weighted tags": (
        tags,
        lambda n: (ones(2, n, 3), ones(2, n).astype("int64"), ones(2, n)),
    ),
    "images": (images, lambda n: (ones(2, n, n + 1, 3), ones(2, n, n + 1, 1))),
    "recurrent": (recurrent, lambda n: (ones(2, n, 3), ones(2, 1).astype("int64"))),
    "rows": (recurrent, lambda n: (ones(n, n, 3), ones(n, 1).astype("int64"))),
    "dict": (lambda: two_inputs(as_dict), of_both(as_dict)),
    "list": (lambda: two_inputs(as_list), of_both(as_list)),
}


@pytest.mark.parametrize("case", list(CASES))
def test_dimension_that_the_model_leaves_open_may_vary(case: str) -> None:
    make, batch = CASES[case]
    model, loss = make()
    model.compile("sgd", loss)
    source = Batches(lambda index: batch(LENGTHS[index]))
    seq2data.fit_generator(model, source, validation_data=source, verbose=0)
    seq2data.evaluate_generator(model, source)
    if case not in ("tags", "weighted tags", "images"):
        assert len(seq2data.predict_generator(model, source)) > 5


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 knows ranks only")
def test_what_the_model_fixes_stays_known() -> None:
    from seq2data.train.keras_call import KerasCall
    from seq2data.train.source_opener import QueueArguments, SourceOpener

    model, _ = recurrent()
    source = Batches(lambda index: (ones(2, LENGTHS[index], 3), ones(2, 1)))
    opener = SourceOpener.of(model, QueueArguments(), KerasCall("fit"))
    dataset = opener.open(source)
    x, y = dataset.element_spec
    assert (x.shape.as_list(), y.shape.as_list()) == ([None, None, 3], [None, 1])


def test_growing_batches_of_a_model_that_is_not_built() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    source = Batches(lambda index: (ones(2 ** (index + 1), 3), ones(2 ** (index + 1))))
    predicted = seq2data.predict_generator(model, source)
    assert predicted.shape == (2 + 4 + 8, 1)
    seq2data.fit_generator(model, source, verbose=0)


@pytest.mark.skipif(not IS_KERAS_3, reason="Keras 2 knows ranks only")
def test_dimension_that_nobody_leaves_open_is_named() -> None:
    model = keras.Sequential([keras.layers.LSTM(2), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    source = Batches(lambda index: (ones(2, LENGTHS[index], 3), ones(2, 1)))
    cure = r"`tf.TensorSpec\(\(None, None, 3\), ...\)`"
    with pytest.raises(seq2data.BatchError, match=f"to `to_dataset`.*{cure}"):
        seq2data.fit_generator(model, source, verbose=0, shuffle=False)
