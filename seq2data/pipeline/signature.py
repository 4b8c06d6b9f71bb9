"""Turns `output_signature` into a spec, and a spec into what TensorFlow needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.source.records import parts_of
from seq2data.source.spec import BatchSpec, LeafSpec, Shape
from seq2data.source.structure import (
    ARRAY,
    DICT,
    NONE,
    RAGGED,
    SPARSE,
    TUPLE,
    Structure,
)

_KINDS = {
    tf.TensorSpec: ARRAY,
    tf.SparseTensorSpec: SPARSE,
    tf.RaggedTensorSpec: RAGGED,
}


def from_signature(signature: Any) -> BatchSpec:
    """Returns the spec that a nested `tf.TypeSpec` describes.

    Raises:
        SourceError: A leaf is no `tf.TensorSpec`, `tf.SparseTensorSpec`,
            `tf.RaggedTensorSpec` or None.
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
    parts = parts_of(signature)
    if parts is not None or isinstance(signature, (tuple, list)):
        named, items = parts or (None, signature)
        children = tuple(_structure(part, leaves) for part in items)
        return Structure(TUPLE, (), children, named)
    for spec, kind in _KINDS.items():
        if isinstance(signature, spec):
            rank = signature.ragged_rank if kind == RAGGED else 0
            dtype, shape = _dtype(signature.dtype), _shape(signature.shape)
            leaves.append(LeafSpec(kind, dtype, shape, rank))
            return Structure(kind, ragged_rank=rank)
    raise SourceError(
        "`output_signature` is made of `tf.TensorSpec`, `tf.SparseTensorSpec`, "
        "`tf.RaggedTensorSpec` and None, nested like the batches; received: "
        f"{signature!r}"
    )


def _dtype(dtype: tf.DType) -> np.dtype:
    return np.dtype(object) if dtype == tf.string else np.dtype(dtype.as_numpy_dtype)


def _shape(shape: tf.TensorShape) -> Shape:
    return None if shape.rank is None else tuple(shape.as_list())


def tensor_specs(spec: BatchSpec) -> list[tf.TensorSpec]:
    """Returns a spec for each array of a batch; some leaves have several arrays."""
    specs = []
    for leaf in spec.leaves:
        dtype = _tf_dtype(leaf)
        if leaf.kind == ARRAY:
            specs.append(tf.TensorSpec(leaf.shape, dtype))
        elif leaf.kind == RAGGED:
            inner = None if leaf.shape is None else leaf.shape[1 + leaf.ragged_rank :]
            flat = None if inner is None else (None, *inner)
            specs.append(tf.TensorSpec(flat, dtype))
            specs.extend([tf.TensorSpec([None], tf.int64)] * leaf.ragged_rank)
        else:
            rank = None if leaf.shape is None else len(leaf.shape)
            specs.append(tf.TensorSpec([None, rank], tf.int64))
            specs.append(tf.TensorSpec([None], dtype))
            specs.append(tf.TensorSpec([rank], tf.int64))
    return specs


def element_spec(spec: BatchSpec) -> Any:
    """Returns the nested `tf.TypeSpec` of a batch."""
    _, none = tf.data.Dataset.from_tensors((0, None)).element_spec
    leaves = map(_spec_of_leaf, spec.leaves)
    return spec.structure.pack(leaves, none)


def _spec_of_leaf(leaf: LeafSpec) -> tf.TypeSpec:
    dtype = _tf_dtype(leaf)
    if leaf.kind == RAGGED:
        return tf.RaggedTensorSpec(leaf.shape, dtype, leaf.ragged_rank, tf.int64)
    return (tf.TensorSpec if leaf.kind == ARRAY else tf.SparseTensorSpec)(
        leaf.shape, dtype
    )


def _tf_dtype(leaf: LeafSpec) -> tf.DType:
    return tf.string if leaf.dtype == object else tf.as_dtype(leaf.dtype)


def pack(spec: BatchSpec, tensors: Sequence[tf.Tensor]) -> Any:
    """Returns a batch with the user's nesting, in a TensorFlow function."""
    rest = iter(tensors)
    leaves = [
        tensor_of(leaf, [next(rest) for _ in range(leaf.num_arrays)])
        for leaf in spec.structure.leaves()
    ]
    return spec.structure.pack(iter(leaves))


def tensor_of(leaf: Structure, parts: Sequence[Any]) -> Any:
    """Returns the tensor of a leaf from its arrays."""
    if leaf.kind == SPARSE:
        return tf.SparseTensor(*parts)
    if leaf.kind == RAGGED:
        return tf.RaggedTensor.from_nested_row_splits(
            parts[0], parts[1:], validate=False
        )
    return parts[0]


def zeros(first: BatchSpec) -> Any:
    """Returns a batch of zeros, of a spec in which all dimensions are known."""
    leaves = map(_zeros_of_leaf, first.leaves)
    return first.structure.pack(leaves)


def _zeros_of_leaf(leaf: LeafSpec) -> Any:
    dtype, shape = _tf_dtype(leaf), leaf.shape or ()
    if leaf.kind == SPARSE:
        indices = tf.zeros([0, len(shape)], tf.int64)
        return tf.SparseTensor(indices, tf.zeros([0], dtype), shape)
    if leaf.kind == RAGGED:
        rows, inner = shape[0] or 0, shape[1 + leaf.ragged_rank :]
        splits = [tf.zeros([rows + 1], tf.int64)]
        splits += [tf.zeros([1], tf.int64)] * (leaf.ragged_rank - 1)
        flat = tf.zeros([0, *inner], dtype)
        return tf.RaggedTensor.from_nested_row_splits(flat, splits)
    return tf.zeros(shape, dtype)
