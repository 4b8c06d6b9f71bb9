"""Ragged tensors in batches, against the source itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.odd_batches import Batches  # noqa: E402

keras = tf.keras  # that of Keras 3, Keras 2 or tf_keras
pytestmark = pytest.mark.tensorflow


def rows(index: int) -> Any:
    lengths = [index, 2, 0, 3 - index]
    return tf.RaggedTensor.from_row_lengths(np.arange(5.0, dtype=np.float32), lengths)


def texts(index: int) -> Any:
    return tf.ragged.constant([["a"] * index, ["bc", "ü"]])


def deep(index: int) -> Any:
    return tf.ragged.constant([[[1, 2], [index]], [], [[3] * index]])


def with_inner(index: int) -> Any:
    return tf.RaggedTensor.from_row_lengths(np.full((3, 2), index), [1, 2])


def of_int32_splits(index: int) -> Any:
    return rows(index).with_row_splits_dtype(tf.int32)


def of_no_rows(index: int) -> Any:
    return rows(index)[:0] if index == 1 else rows(index)


MAKES = [rows, texts, deep, with_inner, of_int32_splits, of_no_rows]


@pytest.mark.parametrize("make", MAKES)
def test_dataset_has_the_rows_of_the_source(make: Any, way: dict[str, Any]) -> None:
    source = Batches(lambda index: {"x": make(index), "y": np.arange(index)})
    dataset = seq2data.to_dataset(source, **way)
    spec = dataset.element_spec["x"]
    assert isinstance(spec, tf.RaggedTensorSpec)
    got = list(dataset)
    for index, batch in enumerate(got):
        assert spec.is_compatible_with(batch["x"])
        assert batch["x"].to_list() == make(index).to_list()
        assert batch["x"].dtype == make(index).dtype
    assert len(got) == 3


def test_generator_of_them() -> None:
    dataset = seq2data.to_dataset(map(rows, range(3)), use_multiprocessing=False)
    assert [batch.to_list() for batch in dataset] == [
        rows(index).to_list() for index in range(3)
    ]


def test_signature_says_what_they_are() -> None:
    spec = tf.RaggedTensorSpec([None, None], tf.float64, ragged_rank=1)
    dataset = seq2data.to_dataset(Batches(rows), output_signature=spec, workers=0)
    assert dataset.element_spec == spec
    assert [batch.to_list() for batch in dataset] == [
        rows(index).to_list() for index in range(3)
    ]


def test_other_nesting_is_an_error() -> None:
    source = Batches(lambda index: deep(1) if index == 1 else rows(index).to_tensor())
    with pytest.raises(tf.errors.OpError, match="batch 1 is nested as ragged"):
        list(seq2data.to_dataset(source, workers=0))
    other_rank = Batches(lambda index: deep(1) if index == 1 else texts(1))
    with pytest.raises(tf.errors.OpError, match="batch 1 is nested"):
        list(seq2data.to_dataset(other_rank, workers=0))


class Sums(keras.Model):
    """Predicts the sum of a row, times a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)

    def call(self, x: Any) -> Any:
        return self.dense(tf.reshape(tf.reduce_sum(x, axis=1), [-1, 1]))


@pytest.mark.parametrize(
    "way", [{}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}], ids=str
)
def test_model_trains_on_them(way: dict[str, Any]) -> None:
    source = Batches(lambda index: (rows(index), np.ones((4, 1), np.float32)))
    model = Sums()
    model.compile(keras.optimizers.SGD(0.001), "mse")
    predicted = seq2data.predict_generator(model, source, **way)
    sums = np.concatenate([tf.reduce_sum(rows(index), axis=1) for index in range(3)])
    np.testing.assert_allclose(predicted[:, 0], sums)
    kernel = 1.0
    for x in np.split(sums, 3):
        kernel -= 0.001 * np.mean(2 * (x * kernel - 1) * x)
    seq2data.fit_generator(model, source, shuffle=False, verbose=0, **way)
    assert float(model.get_weights()[0].item()) == pytest.approx(kernel, rel=1e-5)


def test_enqueuer_hands_them_out() -> None:
    from seq2data.train.enqueuers import OrderedEnqueuer

    enqueuer = OrderedEnqueuer(Batches(rows))
    enqueuer.start(workers=1)
    first = next(enqueuer.get())
    enqueuer.stop()
    assert first.to_list() == rows(0).to_list()
