"""What a dataset of a wrapped class has of its instance, and what its class makes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import cloudpickle
import numpy as np
import pytest

from tests.oracle import assert_same, assert_yields

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset, wrap  # noqa: E402  # needs TensorFlow
from seq2data.source.own_code import own_code  # noqa: E402  # needs TensorFlow
from tests import wrapped_sources as sources  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

Inline = wrap(sources.PlainParent, workers=0)


def values(dataset: Any) -> list[int]:
    return [int(batch[0]) for batch in dataset]


def test_length_and_batches_are_the_instances() -> None:
    train = Inline(3, start=5)
    assert len(train) == 3
    for index in (0, 2, -1):
        assert_same(tf.constant(train[index]), train.source[index])
    assert type(train[0]) is np.ndarray
    with pytest.raises(IndexError):
        train[3]


def test_attributes_properties_and_methods_are_the_instances() -> None:
    train = Inline(3, start=5)
    assert (train.start, train.stop, train.SCALE) == (5, 8, 1)
    train.on_epoch_end()
    assert train.ends == train.source.ends == 1
    assert callable(train.on_epoch_end)
    assert train.double(4) == 8
    assert {"start", "stop", "batch", "source"} <= set(dir(train))


def test_unknown_attribute_is_an_attribute_error() -> None:
    train = Inline(3)
    assert not hasattr(train, "batch_size")
    assert not hasattr(train, "__array__")
    assert not callable(train)


def test_attribute_that_is_set_reaches_the_readers(mode: dict[str, Any]) -> None:
    train = wrap(sources.PlainParent, **mode)(3)
    assert values(train) == [0, 1, 2]
    train.start, train.count = 10, 4
    assert (train.source.start, len(train)) == (10, 4)
    assert values(train) == [10, 11, 12, 13]
    train.extra = 1
    del train.extra
    assert not hasattr(train.source, "extra")


@pytest.mark.parametrize("name", ["shuffle", "batch", "num_batches", "source"])
def test_attribute_of_the_dataset_cannot_be_set(name: str) -> None:
    train = Inline(3)
    with pytest.raises(AttributeError, match=rf"\.source\.{name}"):
        setattr(train, name, False)
    assert values(train) == [0, 1, 2]


def test_attribute_with_a_name_of_the_datasets_is_set_on_the_source() -> None:
    train = Inline(3)
    train.source.shuffle = False
    assert callable(train.shuffle)
    assert values(train.shuffle(3, seed=1).batch(2).map(lambda x: x[:, 0])) != []


def test_iteration_is_the_datasets() -> None:
    train = Inline(3)
    assert all(isinstance(batch, tf.Tensor) for batch in train)
    assert train.cardinality() == 3
    assert values(train.repeat(2).prefetch(1)) == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: Inline.from_folder("here"), [[0, 1, 2]]),
        (Inline.pair, [[0, 1], [0, 1, 2]]),
        (lambda: Inline(3).split(1), [[0], [1, 2]]),
        (lambda: [Inline.parts()["train"], *Inline.parts()["others"][:1]], None),
    ],
    ids=["class method", "tuple", "method", "containers"],
)
def test_instances_that_come_out_are_datasets(made: Any, expected: Any) -> None:
    found = made()
    datasets = [found] if isinstance(found, tf.data.Dataset) else list(found)
    assert all(isinstance(dataset, tf.data.Dataset) for dataset in datasets)
    assert list(map(values, datasets)) == (expected or [[0, 1], [0, 1, 2]])


def test_other_results_are_as_they_are() -> None:
    train = Inline(3)
    assert train.itself() is train
    assert Inline.double(4) == 8
    assert pickle.loads(pickle.dumps(sources.Parent.double))(4) == 8
    train.names = ["a"] * 3
    assert train.names is train.source.names


def test_datasets_that_go_in_are_instances(way: dict[str, Any]) -> None:
    parts = sources.Parent(3), sources.Named(3)
    joined = wrap(sources.Joined, **way)(*parts)
    assert [type(part) for part in joined.source.parts] == [
        sources.PlainParent,
        sources.PlainNamed,
    ]
    assert_yields(joined, sources.Joined(*(part.source for part in parts)))


def test_dataset_inside_of_another_source_is_read(way: dict[str, Any]) -> None:
    train = sources.Parent(3)
    joined = sources.Joined(train)
    assert_yields(to_dataset(joined, **way), sources.Joined(train.source))


def test_copy_has_an_instance_of_its_own() -> None:
    train = Inline(3)
    train.names = ["a"]
    shallow, deep = copy.copy(train), copy.deepcopy(train)
    shallow.start = 7
    deep.names.append("b")
    assert (values(train), values(shallow)) == ([0, 1, 2], [7, 8, 9])
    assert train.names == ["a"]
    assert shallow.names is train.names


def test_classes_and_datasets_pickle() -> None:
    assert pickle.loads(pickle.dumps(sources.Parent)) is sources.Parent
    assert copy.copy(sources.Parent) is copy.deepcopy(sources.Parent) is sources.Parent
    copied = cloudpickle.loads(cloudpickle.dumps(Inline(3, 4)))
    assert values(copied) == [4, 5, 6]


def test_instance_and_subclass_checks_hold() -> None:
    train, plain = Inline(3), sources.PlainParent(3)
    for instance in (train, train.source, plain):
        assert isinstance(instance, sources.Parent)
    assert isinstance(train.source, sources.PlainParent)
    assert isinstance(train, tf.data.Dataset)
    assert issubclass(sources.Parent, sources.Sized)
    assert issubclass(sources.PlainParent, sources.Parent)
    assert issubclass(sources.OldStyleChild, sources.OldStyle)
    assert not isinstance(sources.Named(1), sources.Parent)
    assert sources.Parent == sources.PlainParent


def test_samples_are_indexed_and_batches_counted() -> None:
    train = wrap(sources.PlainParent, workers=0, batch_size=2)(5)
    assert (len(train), train.count, train[4]) == (3, 5, 4)
    assert [batch.shape[0] for batch in train] == [2, 2, 1]


def test_worker_gets_the_class_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(own_code), "is_worker", True)
    assert wrap(sources.Joined, workers=2) is sources.Joined
    assert type(sources.Heir(2)) is sources.Heir
