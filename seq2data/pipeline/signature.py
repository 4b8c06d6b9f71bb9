"""Turns `output_signature` into a spec, and a spec into what TensorFlow needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.source.spec import BatchSpec, LeafSpec, Shape
from seq2data.source.structure import ARRAY, DICT, NONE, SPARSE, TUPLE, Structure


def from_signature(signature: Any) -> BatchSpec:
    """The spec that a nested `tf.TypeSpec` describes.

    Raises:
        SourceError: A leaf is no `tf.TensorSpec`, `tf.SparseTensorSpec` or None.
    """
    leaves: list[LeafSpec] = []
    structure = _structure(signature, leaves)
    return BatchSpec(structure, tuple(leaves), may_cast=True)


def _structure(signature: Any, leaves: list[LeafSpec]) -> Structure:
    if signature is None or type(signature).__name__ == "NoneTensorSpec":
        return Structure(NONE)
    if isinstance(signature, dict):
        keys = tuple(sorted(signature))
        children = tuple(_structure(signature[key], leaves) for key in keys)
        return Structure(DICT, keys, children)
    if isinstance(signature, (tuple, list)):
        children = tuple(_structure(part, leaves) for part in signature)
        named = type(signature) if hasattr(signature, "_fields") else None
        return Structure(TUPLE, (), children, named)
    if isinstance(signature, (tf.TensorSpec, tf.SparseTensorSpec)):
        kind = SPARSE if isinstance(signature, tf.SparseTensorSpec) else ARRAY
        leaves.append(LeafSpec(kind, _dtype(signature.dtype), _shape(signature.shape)))
        return Structure(kind)
    raise SourceError(
        "`output_signature` is made of `tf.TensorSpec`, `tf.SparseTensorSpec` and "
        f"None, nested like the batches; received: {signature!r}"
    )


def _dtype(dtype: tf.DType) -> np.dtype:
    return np.dtype(object) if dtype == tf.string else np.dtype(dtype.as_numpy_dtype)


def _shape(shape: tf.TensorShape) -> Shape:
    return None if shape.rank is None else tuple(shape.as_list())


def tensor_specs(spec: BatchSpec) -> list[tf.TensorSpec]:
    """The spec of each array of a batch; a sparse leaf has three."""
    specs = []
    for leaf in spec.leaves:
        dtype = _tf_dtype(leaf)
        if leaf.kind == ARRAY:
            specs.append(tf.TensorSpec(leaf.shape, dtype))
        else:
            rank = None if leaf.shape is None else len(leaf.shape)
            specs.append(tf.TensorSpec([None, rank], tf.int64))
            specs.append(tf.TensorSpec([None], dtype))
            specs.append(tf.TensorSpec([rank], tf.int64))
    return specs


def element_spec(spec: BatchSpec) -> Any:
    """The nested `tf.TypeSpec` of a batch."""
    _, none = tf.data.Dataset.from_tensors((0, None)).element_spec
    leaves = [
        (tf.TensorSpec if leaf.kind == ARRAY else tf.SparseTensorSpec)(
            leaf.shape, _tf_dtype(leaf)
        )
        for leaf in spec.leaves
    ]
    return spec.structure.pack(iter(leaves), none)


def _tf_dtype(leaf: LeafSpec) -> tf.DType:
    return tf.string if leaf.dtype == object else tf.as_dtype(leaf.dtype)


def pack(spec: BatchSpec, tensors: Sequence[tf.Tensor]) -> Any:
    """The user's nesting around the arrays of a batch, in a TensorFlow function."""
    rest = iter(tensors)
    leaves = [
        next(rest)
        if leaf.kind == ARRAY
        else tf.SparseTensor(next(rest), next(rest), next(rest))
        for leaf in spec.leaves
    ]
    return spec.structure.pack(iter(leaves))
