"""Namedtuples, dataclasses and `attrs` objects as batches, against the plain tuple.

Keras 2.15's `fit_generator` takes a namedtuple for the tuple that it is, and ends at
0.09635; of lists of numbers as weights it took the first number alone.
"""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import seq2data  # noqa: E402
from tests.train.linear_models import forever, linear, sums_of  # noqa: E402
from tests.train.odd_batches import (  # noqa: E402
    Batches,
    Pair,
    Sample,
    Sub,
    Triple,
    Typed,
    Views,
    W,
    Y,
    attrs_sample,
    rows,
    trained,
)

pytestmark = pytest.mark.tensorflow

WAYS = [{"workers": 0}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}]
every_way = pytest.mark.parametrize("way", WAYS, ids=str)


RECORDS = [Pair, Typed, Sub, Sample, attrs_sample]
every_record = pytest.mark.parametrize(
    "record", RECORDS, ids=["namedtuple", "typed", "subclass", "dataclass", "attrs"]
)


def test_arithmetic_is_that_of_keras_2() -> None:
    class_weights = np.where(Y == 1, 3.0, 1.0)
    got = [trained(), trained(weights=W), trained(weights=class_weights)]
    np.testing.assert_allclose(got, [0.09635, 0.21578, 0.22502], atol=6e-6)


@every_record
@every_way
def test_record_is_the_tuple_of_its_fields(record: Any, way: dict[str, Any]) -> None:
    source = Batches(lambda index: record(rows(index), Y[:, None]))
    assert sums_of(source, **way) == pytest.approx([trained()], abs=1e-6)


@every_record
def test_record_with_other_arguments(record: Any) -> None:
    wide = Batches(lambda i: record(rows(i).astype("float64"), Y.astype("int32")))
    weights = np.where(Y == 1, 3.0, 1.0)
    got = sums_of(wide, generator=True, class_weight={0: 1.0, 1: 3.0})
    assert got == pytest.approx([trained(weights=weights)], abs=1e-6)


@pytest.mark.parametrize(
    "record", [Triple, Sample, attrs_sample], ids=["namedtuple", "dataclass", "attrs"]
)
@every_way
def test_third_field_is_the_weights(record: Any, way: dict[str, Any]) -> None:
    source = Batches(lambda index: record(rows(index), Y[:, None], W))
    assert sums_of(source, **way) == pytest.approx([trained(weights=W)], abs=1e-6)


def test_dataset_of_records_may_have_class_weights() -> None:
    dataset = seq2data.to_dataset(Batches(lambda i: Pair(rows(i), Y)), workers=0)
    weights = np.where(Y == 1, 3.0, 1.0)
    got = sums_of(dataset, class_weight={0: 1.0, 1: 3.0})
    assert got == pytest.approx([trained(weights=weights)], abs=1e-6)
    assert sums_of(dataset) == pytest.approx([trained()], abs=1e-6)


def test_evaluation_and_prediction_of_records() -> None:
    model = linear()
    for record in RECORDS:
        source = Batches(lambda i, made=record: made(rows(i), Y[:, None]))
        assert seq2data.evaluate_generator(model, source) == pytest.approx(0.5)
        predicted = seq2data.predict_generator(model, forever(source), steps=2)
        assert predicted.shape == (8, 1)


@every_way
def test_caller_gets_its_own_class(way: dict[str, Any]) -> None:
    local = collections.namedtuple("local", "x y")

    def batch(index: int) -> Any:
        return Typed(Pair(rows(index), Y), local(Sub(Y, Y), [Y]))

    source = Batches(batch)
    found = list(seq2data.to_dataset(source, **way))
    assert len(found) == len(source)
    for index, got in enumerate(found):
        assert (type(got), type(got.x), type(got.y)) == (Typed, Pair, local)
        assert type(got.y.x) is Sub
        np.testing.assert_array_equal(got.x.x, rows(index))
        np.testing.assert_array_equal(got.y.x.swapped().x, Y)


@every_way
def test_dataclass_becomes_a_namedtuple(way: dict[str, Any]) -> None:
    source = Batches(lambda index: Sample(Views(rows(index), Y), [Y]))
    found = list(seq2data.to_dataset(source, **way))
    assert len(found) == len(source)
    for index, got in enumerate(found):
        assert got._fields == ("x", "y", "sample_weight")
        assert got.sample_weight is None
        assert got.x._fields == ("left", "right")
        np.testing.assert_array_equal(got.x.left, rows(index))
        assert isinstance(got.y, tuple)


def test_signature_may_be_a_record() -> None:
    x, y = tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([None], tf.float64)
    source = Batches(lambda index: Pair(rows(index), Y))
    for signature in (Pair(x, y), Pair(x=x, y=y)):
        dataset = seq2data.to_dataset(source, output_signature=signature, workers=2)
        assert dataset.element_spec == Pair(x, y)
        assert [type(batch) for batch in dataset] == [Pair] * 3


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("dtype", ["int", "float", "numpy", "bool"])
def test_list_of_numbers_is_an_array(kind: Any, dtype: str) -> None:
    makes = {"int": int, "float": float, "numpy": np.float32, "bool": bool}
    labels = kind(map(makes[dtype], Y))
    source = Batches(lambda index: (rows(index), labels))
    for way in ({}, {"generator": True}, WAYS[2]):
        assert sums_of(source, **way) == pytest.approx([trained()], abs=1e-6)


def test_list_of_numbers_may_be_the_weights() -> None:
    source = Batches(lambda index: [rows(index), [*map(int, Y)], [*map(float, W)]])
    due = pytest.approx([trained(weights=W)], abs=1e-6)
    assert sums_of(source) == due
    assert sums_of(source, linear(weighted_metrics=["mae"]), generator=True) == due


def test_lists_of_numbers_of_growing_batches() -> None:
    source = Batches(lambda index: ([rows(index)[: index + 2]], [0] * (index + 2)))
    assert sums_of(source) == [0.0]


def test_list_of_numbers_stays_in_a_dataset() -> None:
    dataset = seq2data.to_dataset(Batches(lambda index: ([0, 1, index], 2)), workers=0)
    first, *_ = dataset
    assert tf.nest.map_structure(int, first) == ((0, 1, 0), 2)
