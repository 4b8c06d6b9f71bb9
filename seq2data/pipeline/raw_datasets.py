"""`scan` and `flat_map` whose functions TensorFlow takes as they are.

The methods of `tf.data.Dataset` do the same, but each new iterator then optimises the
functions again, for they may need several devices: an epoch of three small batches took
1.9 ms with these and 12.6 ms with the methods (TensorFlow 2.21; 2.6 and 7.6 ms with
2.15). The methods also leave 76 KB of functions in the default graph for each dataset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import tensorflow as tf

# Functions with this attribute run on one device, so TensorFlow does not optimise them.
# TensorFlow 2.12 has the argument for it, and refuses the attribute.
_ONE_DEVICE = {"experimental_attributes": {"experimental_ints_on_device": True}}
_TAKES_ATTRIBUTES = tuple(map(int, tf.__version__.split(".")[:2])) >= (2, 13)
_WITH_TENSORS = (tf.TensorSpec, tf.SparseTensorSpec, tf.RaggedTensorSpec)


def scan(
    source: tf.data.Dataset,
    state: tf.Tensor,
    step: Callable[..., Any],
    specs: Sequence[tf.TensorSpec],
) -> tf.data.Dataset:
    """Does what `source.scan(state, step)` does.

    Args:
        source: Gives scalar ticks.
        state: The first state, a vector; the dimension may change.
        step: From (state, tick) to the new state and the tensors of an element.
        specs: Of these tensors.
    """
    state_spec = tf.TensorSpec([None], state.dtype)
    function = _trace(step, state_spec, source.element_spec)
    variant = tf.raw_ops.ScanDataset(
        input_dataset=tf.data.experimental.to_variant(source),
        initial_state=[state],
        other_arguments=[],
        f=function,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
        preserve_cardinality=True,
    )
    return _dataset(variant, tuple(specs), function, source)


def flat_map(
    source: tf.data.Dataset,
    make: Callable[..., tf.data.Dataset],
    element_spec: Any,
) -> tf.data.Dataset:
    """Does what `source.flat_map(make)` does, for a source of flat tuples.

    Args:
        source: Gives the tuples.
        make: From the tensors of one to a dataset.
        element_spec: Of the elements of what `make` returns; may say more of them.
    """

    def variant_of(*tensors: tf.Tensor) -> tf.Tensor:
        return tf.data.experimental.to_variant(make(*tensors))

    function = _trace(variant_of, *source.element_spec)
    # A sparse or a ragged tensor is one variant; None is nothing.
    parts = [
        part if isinstance(part, tf.TensorSpec) else tf.TensorSpec(None, tf.variant)
        for part in tf.nest.flatten(element_spec)
        if isinstance(part, _WITH_TENSORS)
    ]
    variant = tf.raw_ops.FlatMapDataset(
        input_dataset=tf.data.experimental.to_variant(source),
        other_arguments=[],
        f=function,
        output_types=[part.dtype for part in parts],
        output_shapes=[part.shape for part in parts],
    )
    return _dataset(variant, element_spec, function, source)


def _trace(function: Callable[..., Any], *specs: tf.TensorSpec) -> Any:
    options: dict[str, Any] = _ONE_DEVICE if _TAKES_ATTRIBUTES else {}
    traced = tf.function(function, input_signature=specs, autograph=False, **options)
    return traced.get_concrete_function()


def _dataset(variant: tf.Tensor, element_spec: Any, *needed: Any) -> tf.data.Dataset:
    """Returns the dataset of an operation; it keeps alive what the operation needs."""
    dataset = tf.data.experimental.from_variant(variant, element_spec)
    dataset.seq2data_needs = needed
    return dataset
