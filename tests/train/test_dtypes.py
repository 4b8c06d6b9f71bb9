"""Batches whose dtypes differ, against the values that their source made.

Keras 2.3 fed all in `floatx`; Keras 2.15 casts each batch to the first's dtype, 2.75 to
2 among whole numbers.
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

WAYS = [{"workers": 0}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}]


class Witness(keras.Model):
    """Remembers what its steps see; trains nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.built = True
        self.compile("sgd", "mse", run_eagerly=True)

    def train_step(self, data: Any) -> dict[str, Any]:
        self.seen.append(tf.nest.map_structure(np.array, data))
        return {"loss": 0.0}

    test_step = train_step

    def predict_step(self, data: Any) -> Any:
        self.train_step(data)
        return tf.zeros((1, 1))


def among(*values: Any) -> Batches:
    """Batches of (x, y) whose y are these."""
    return Batches(lambda i: (rows(i), np.array(values[i])[None]), len(values))


def fit(source: Any, **arguments: Any) -> list[Any]:
    model = Witness()
    seq2data.fit_generator(model, source, verbose=0, shuffle=False, **arguments)
    return [y for _, y in model.seen]


f2, f4, f8 = np.float16, np.float32, np.float64
i1, i4, i8, u1 = np.int8, np.int32, np.int64, np.uint8


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((f4(0.5), f8(0.1), f4(1)), f4),
        ((f8(0.5), f4(0.1), f8(1)), f4),
        ((f4(0.5), f2(0.25), f4(1)), f4),
        ((f2(0.5), f4(0.1), f4(1)), f4),
        ((f4(0.5), u1(200), f4(1)), f4),
        ((f4(0.5), f4(1), i8(-3)), f4),
        ((f4(0.5), i8(2**24), i8(2**40)), f4),
        ((f4(0.5), np.True_, f4(1)), f4),
        ((i8(5), i4(-7), i8(2**60)), i8),
        ((i4(5), i8(-7), i4(2**30)), i4),
        ((i4(5), i4(-7), i8(2**40)), i8),
        ((u1(5), i1(-7), i1(-7)), np.int16),
        ((i8(5), np.False_, i8(6)), i8),
        ((np.True_, np.False_, i8(6)), i8),
        ((u1(0), i8(255), u1(1)), u1),
        ((np.True_, i8(0), np.True_), np.bool_),
    ],
    ids=str,
)
def test_cast_that_loses_nothing(values: Any, dtype: Any) -> None:
    seen = fit(among(*values))
    assert [y.dtype for y in seen] == [dtype] * 3
    # Floats are in the precision of Keras.
    due = [(f4(v) if v.dtype.kind == "f" else v).item() for v in values]
    assert [y.item() for y in seen] == due
    # Of a generator the first two batches are looked at beforehand.
    ordered = among(values[0], values[2], values[1])
    seen = fit(forever(ordered), steps_per_epoch=3)
    assert [y.item() for y in seen] == [due[0], due[2], due[1]]


LOSSES = [
    ((i8(1), f4(2.75), i8(1)), "batch 1 is float32"),
    ((i8(1), f8(2.0), i8(1)), "batch 1 is float64"),
    ((i8(1), i8(1), f4(2)), "float32 in batch 2"),
    ((u1(1), f4(0.5), u1(1)), "batch 1 is float32"),
    ((np.True_, f4(1), np.True_), "batch 1 is float32"),
    ((i4(1), i8(2**31), i4(1)), "batch 1 is int64"),
    ((u1(1), i8(-1), u1(1)), "batch 1 is int64"),
    ((np.True_, i8(2), np.True_), "batch 1 is int64"),
    ((f4(1), i8(2**24 + 1), f4(1)), "batch 1 is int64"),
    ((f4(1), np.uint64(2**64 - 1), f4(1)), "batch 1 is uint64"),
    ((f8(1), i8(2**53 + 1), f8(1)), "batch 1 is int64"),
    ((f2(1), f4(0.1), f2(1)), "batch 1 is float32"),
    ((f4(1), np.complex64(1), f4(1)), "batch 1 is complex64"),
    ((f4(1), np.str_("1"), f4(1)), "batch 1 is object"),
]


@pytest.mark.parametrize(("values", "told"), LOSSES, ids=str)
def test_cast_that_could_lose_something_is_refused(values: Any, told: str) -> None:
    with pytest.raises(seq2data.BatchError) as caught:
        fit(among(*values))
    for fact in (told, "[1]", "return", "`output_signature`", "`to_dataset`"):
        assert fact in str(caught.value)


def test_dataset_takes_no_other_dtype() -> None:
    with pytest.raises(seq2data.BatchError, match="float32 in the first batch"):
        seq2data.to_dataset(among(f4(1), u1(1)), workers=0)
    dataset = seq2data.to_dataset(among(f4(1), u1(1), f4(1)), workers=0)
    with pytest.raises(seq2data.BatchError, match="batch 1 is uint8"):
        fit(dataset)


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_part_of_a_batch_may_differ(place: int, way: dict[str, Any]) -> None:
    def batch(index: int) -> Any:
        parts = [rows(index), Y, W]
        parts[place] = parts[place].astype([f4, u1, f8][index])
        return tuple(parts)

    due = pytest.approx([trained(weights=W)], abs=1e-6)
    assert sums_of(Batches(batch), **way) == due
    assert sums_of(Batches(batch), generator=True, **way) == due


@pytest.mark.usefixtures("patched")
def test_methods_of_a_model_take_them() -> None:
    source = among(f4(0.5), i8(3), f8(0.25))
    model = Witness()
    model.fit(source, validation_data=source, verbose=0, shuffle=False)
    model.evaluate(source, verbose=0)
    assert [float(y.item()) for _, y in model.seen] == [0.5, 3, 0.25] * 3
    model.seen.clear()
    x = Batches(lambda i: rows(i).astype([f4, u1, f8][i]))
    model.predict(x, verbose=0)
    assert [x.dtype for x in model.seen] == [f4] * 3
    assert [x[0, 0] for x in model.seen] == [1, 2, 3]


def test_sparse_values_may_differ() -> None:
    def batch(index: int) -> Any:
        values = np.array([1, 2]).astype([f4, i8, f4][index])
        return tf.SparseTensor([[0, 1], [1, 0]], values, (2, 2)), np.ones((2, 1), f4)

    model = linear()
    model.set_weights([np.ones((2, 1))])
    predicted = seq2data.predict_generator(model, Batches(batch))
    assert predicted[:, 0].tolist() == [1, 2] * 3
