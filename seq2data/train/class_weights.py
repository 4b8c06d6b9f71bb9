"""Turns `class_weight` into weights of samples, for any number of outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.train.output_nesting import as_plain_tuples, in_order

_Table = Mapping[int, float]


def weighted(
    dataset: tf.data.Dataset, class_weight: Any, output_names: Sequence[str]
) -> tf.data.Dataset:
    """Returns the dataset with the weight of its class for each sample.

    The weights multiply those that the dataset already has. A class without a weight
    counts as 1.

    Args:
        dataset: A dataset of (x, y) or (x, y, sample_weight).
        class_weight: A dict from class to weight, or a list of the classes' weights.
            For several outputs, or for one: a dict of such by output name, or a list
            of such in the order of the outputs.
        output_names: The names of the model's outputs.

    Raises:
        SourceError: The batches have no y, or `class_weight` does not fit the outputs.
    """
    dataset = as_plain_tuples(dataset)
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise SourceError(
            "`class_weight` needs batches of (x, y) or (x, y, sample_weight); the "
            f"batches here are {spec}"
        )
    y = spec[1]
    names = sorted(y) if isinstance(y, dict) else list(output_names)
    if isinstance(y, tuple) and len(names) != len(y):
        names = [str(number) for number in range(len(y))]
    is_nested = isinstance(y, (tuple, dict))
    tables = _tables(class_weight, names if is_nested else names[:1] or ["y"])

    def add(x: Any, y: Any, sample_weight: Any = None) -> Any:
        labels = in_order(y, names) if is_nested else (y,)
        weights: Any = map(_weights, labels, _given(sample_weight, names), tables)
        if isinstance(y, dict):
            return x, y, dict(zip(names, weights))
        return x, y, tuple(weights) if is_nested else next(weights)

    # AutoGraph leaves a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(add))


def _tables(class_weight: Any, names: list[str]) -> list[_Table]:
    """Returns the class weights of each output."""
    tables = _by_output(class_weight, names)
    if tables is None:
        raise SourceError(
            f"`class_weight` of a model with the outputs {names} must be a dict from "
            f"each name to a dict, or a list of {len(names)} dicts; received: "
            f"{class_weight!r}"
        )
    return [_table(table) for table in tables]


def _by_output(class_weight: Any, names: list[str]) -> Optional[list[Any]]:
    if isinstance(class_weight, Mapping):
        values = class_weight.values()
        if not all(value is None or np.iterable(value) for value in values):
            return [class_weight] if len(names) == 1 else None
        if set(class_weight) <= set(names):
            return [class_weight.get(name) for name in names]
        # A model that does not know the names of its outputs has only one output.
        return list(values) if len(values) == 1 and names == ["y"] else None
    if not isinstance(class_weight, (Sequence, np.ndarray)):
        return None
    if not any(isinstance(value, Mapping) for value in class_weight):
        return [class_weight] if len(names) == 1 else None
    return list(class_weight) if len(class_weight) == len(names) else None


def _table(class_weight: Any) -> _Table:
    """Returns the weights by the number of their class."""
    if class_weight is None:
        return {}
    if not isinstance(class_weight, Mapping):
        class_weight = dict(enumerate(class_weight))
    return {_class_of(key): float(weight) for key, weight in class_weight.items()}


def _class_of(key: Any) -> int:
    try:
        number = float(key)  # also of a text, and of numpy's numbers
    except (TypeError, ValueError):
        number = np.nan
    if number != np.floor(number):
        raise SourceError(
            "the keys of `class_weight` must be classes, which are whole numbers, as "
            f"in `{{0: 1.0, 1: 3.0}}`; received the key {key!r}"
        )
    return int(number)


def _given(sample_weight: Any, names: list[str]) -> Sequence[Any]:
    """Returns for each output the sample weights that the dataset has."""
    if isinstance(sample_weight, (tuple, dict)):
        return in_order(sample_weight, names)
    return [sample_weight] * max(1, len(names))


def _weights(y: Any, sample_weight: Any, table: _Table) -> tf.Tensor:
    if sample_weight is None:
        return _weights_of_classes(_classes(y), table, tf.float32)
    if not sample_weight.dtype.is_floating:
        sample_weight = tf.cast(sample_weight, tf.float32)
    weights = _weights_of_classes(_classes(y), table, sample_weight.dtype)
    return weights * _of_same_rank(sample_weight, weights)


def _of_same_rank(sample_weight: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the sample weights with the rank of the class weights.

    There may be a class for each pixel; sample weights may be a column.
    """
    if None in (weights.shape.rank, sample_weight.shape.rank):
        return sample_weight
    while sample_weight.shape.rank < weights.shape.rank:
        sample_weight = sample_weight[..., tf.newaxis]
    while sample_weight.shape.rank > weights.shape.rank:
        sample_weight = tf.squeeze(sample_weight, axis=-1)
    return sample_weight


def _classes(y: tf.Tensor) -> tf.Tensor:
    """Returns the int64 classes of y, whose last dimension may be one-hot."""
    y = tf.convert_to_tensor(y)
    if y.shape.rank is None:
        y = tf.reshape(y, [tf.shape(y)[0], -1])
    if y.shape.rank < 2:
        return _whole(y)
    return tf.cond(
        tf.shape(y)[-1] > 1,
        lambda: tf.argmax(y, axis=-1),
        lambda: _whole(y[..., 0]),
    )


def _whole(y: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(y) if y.dtype.is_floating else y, tf.int64)


def _weights_of_classes(
    classes: tf.Tensor, table: _Table, dtype: tf.DType
) -> tf.Tensor:
    weights = tf.ones_like(classes, dtype)
    for key, weight in table.items():
        weights = tf.where(classes == key, tf.cast(weight, dtype), weights)
    return weights
