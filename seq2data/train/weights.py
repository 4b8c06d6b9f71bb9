"""`class_weight` as weights of samples, for models with any number of outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from seq2data.errors import SourceError


def weighted(
    dataset: tf.data.Dataset, class_weight: Any, output_names: Sequence[str]
) -> tf.data.Dataset:
    """The dataset with the weights of its samples' classes.

    They multiply those that the dataset has. A class that is not mentioned weighs 1.

    Args:
        dataset: Of (x, y) or (x, y, sample_weight).
        class_weight: From class to weight; for several outputs a dict of such dicts by
            output name, or a list of them in the outputs' order.
        output_names: The model's.

    Raises:
        SourceError: The batches have no y, or `class_weight` does not fit the outputs.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise SourceError(
            "`class_weight` needs batches of (x, y) or (x, y, sample_weight); these "
            f"are {spec}"
        )
    tables = _by_output(class_weight, spec[1], list(output_names))

    def add(x: Any, y: Any, sample_weight: Any = None) -> Any:
        return x, y, _weights(y, sample_weight, tables)

    # AutoGraph would leave a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(add))


def _by_output(class_weight: Any, y: Any, names: list[str]) -> Any:
    """The tables of class weights in the nesting of `y`."""
    if not isinstance(y, (tuple, dict)):
        return class_weight
    if isinstance(class_weight, Mapping):
        unknown = [name for name in class_weight if name not in names]
        tables = [class_weight.get(name) for name in names]
    else:
        unknown = []
        tables = list(class_weight)
    if unknown or len(tables) != len(y):
        raise SourceError(
            f"`class_weight` of a model with the outputs {names} is a dict from their "
            f"names to a dict each, or a list of {len(y)} dicts; received: "
            f"{class_weight!r}"
        )
    if isinstance(y, dict):
        return dict(zip(names, tables))
    return tuple(tables)


def _weights(y: Any, sample_weight: Any, tables: Any) -> Any:
    if isinstance(tables, dict) and isinstance(y, dict):
        given = sample_weight or {}
        return {
            name: _weights(y[name], given.get(name), tables.get(name)) for name in y
        }
    if isinstance(tables, tuple):
        given = sample_weight or (None,) * len(tables)
        return tuple(map(_weights, y, given, tables))
    weights = _weights_of_classes(_classes(y), tables or {})
    if sample_weight is None:
        return weights
    return weights * _expanded(tf.cast(sample_weight, weights.dtype), weights)


def _expanded(sample_weight: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weights of samples beside weights of the samples' pixels, say."""
    ranks = weights.shape.rank, sample_weight.shape.rank
    missing = 0 if None in ranks else max(0, ranks[0] - ranks[1])
    shape = tf.concat([tf.shape(sample_weight), [1] * missing], 0)
    return tf.reshape(sample_weight, shape) if missing else sample_weight


def _classes(y: tf.Tensor) -> tf.Tensor:
    """The classes that the last dimension of y holds, or is one-hot of; int64."""
    y = tf.convert_to_tensor(y)
    if y.shape.rank is None:
        y = tf.reshape(y, [tf.shape(y)[0], -1])
    if y.shape.rank < 2:
        return tf.cast(y, tf.int64)
    return tf.cond(
        tf.shape(y)[-1] > 1,
        lambda: tf.argmax(y, axis=-1),
        lambda: tf.cast(y[..., 0], tf.int64),
    )


def _weights_of_classes(classes: tf.Tensor, table: Mapping[int, float]) -> tf.Tensor:
    weights = tf.ones_like(classes, tf.float32)
    for key, weight in table.items():
        weights = tf.where(classes == int(key), tf.cast(weight, tf.float32), weights)
    return weights
