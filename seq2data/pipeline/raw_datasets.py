"""`scan` and `flat_map` whose functions TensorFlow takes as they are.

The public methods do the same, but each new iterator then optimises the functions again
(grappler, placement), some 3 ms each; one marked as having its integers where it runs
is known to need a single device, and is not looked at. They also leave each function of
a `scan` in the default graph for ever (`tensorflow/python/data/ops/scan_op.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import tensorflow as tf

# TensorFlow 2.12 has the argument, and refuses this attribute.
_TAKES_ATTRIBUTES = tuple(map(int, tf.__version__.split(".")[:2])) >= (2, 13)


class TracedDataset(tf.data.Dataset):  # type: ignore[misc]  # TF has no types
    """A dataset of one raw operation; keeps its function alive."""

    def __init__(
        self, variant: tf.Tensor, element_spec: Any, function: Any, source: Any
    ) -> None:
        self._element_spec = element_spec
        self._function = function
        self._source = source
        super().__init__(variant)

    def _inputs(self) -> list[tf.data.Dataset]:
        return [self._source]

    @property
    def element_spec(self) -> Any:
        """The nested `tf.TypeSpec` of an element."""
        return self._element_spec


def scan(
    source: tf.data.Dataset,
    state: tf.Tensor,
    step: Callable[..., Any],
    specs: Sequence[tf.TensorSpec],
    element_spec: Any,
) -> TracedDataset:
    """As `source.scan(state, step)`.

    Args:
        source: Gives scalar ticks.
        state: The first state, a vector; the dimension may change.
        step: From (state, tick) to the new state and the tensors of an element.
        specs: Of these tensors.
        element_spec: The nesting around `specs`.
    """
    state_spec = tf.TensorSpec([None], state.dtype)
    function = _trace(step, state_spec, source.element_spec)
    variant = tf.raw_ops.ScanDataset(
        input_dataset=source._variant_tensor,
        initial_state=[state],
        other_arguments=[],
        f=function,
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
        preserve_cardinality=True,
    )
    return TracedDataset(variant, element_spec, function, source)


def flat_map(
    source: tf.data.Dataset,
    make: Callable[..., tf.data.Dataset],
    element_spec: Any,
) -> TracedDataset:
    """As `source.flat_map(make)`, for a source of flat tuples.

    Args:
        source: Gives the tuples.
        make: From the tensors of one to a dataset.
        element_spec: Of the elements of what `make` returns; may say more of them.
    """
    made: list[tf.data.Dataset] = []

    def variant_of(*tensors: tf.Tensor) -> tf.Tensor:
        made.append(make(*tensors))
        return made[-1]._variant_tensor

    function = _trace(variant_of, *source.element_spec)
    inner = made[-1]
    variant = tf.raw_ops.FlatMapDataset(
        input_dataset=source._variant_tensor,
        other_arguments=[],
        f=function,
        output_types=inner._flat_types,
        output_shapes=inner._flat_shapes,
    )
    return TracedDataset(variant, element_spec, function, source)


def _trace(function: Callable[..., Any], *specs: tf.TensorSpec) -> Any:
    options: dict[str, Any] = {}
    if _TAKES_ATTRIBUTES:
        options["experimental_attributes"] = {"experimental_ints_on_device": True}
    traced = tf.function(function, input_signature=specs, autograph=False, **options)
    return traced.get_concrete_function()
