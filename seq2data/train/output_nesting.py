"""Nests labels and sample weights like a model's outputs, and x like its inputs.

Keras 2 takes labels and weights by output name, or in the order of the outputs,
whatever the model returns (`map_to_output_names` in keras/engine/compile_utils.py of
Keras 2.15). Keras 3 takes them only in the nesting in which the model returns outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Callable

import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.train.keras_versions import is_of_keras_3


def output_names(model: Any) -> list[str]:
    """Returns the names of a model's outputs in order, none if unknown."""
    names = getattr(model, "output_names", None)
    if names:
        return list(names)
    is_sequential = any(base.__name__ == "Sequential" for base in type(model).__mro__)
    return [model.layers[-1].name] if is_sequential and model.layers else []


def as_plain_tuples(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset with tuples for namedtuples, which `map` does not unpack."""
    spec = dataset.element_spec
    is_named = isinstance(spec, tuple) and type(spec) is not tuple
    if not is_named:
        return dataset
    # AutoGraph leaves a file in the temporary folder.
    return dataset.map(
        tf.autograph.experimental.do_not_convert(lambda batch: (*batch,))
    )


def nested_as_model(
    dataset: tf.data.Dataset, model: Any, *, has_labels: bool = True
) -> tf.data.Dataset:
    """Returns the dataset with inputs, labels and weights nested like the model's.

    Args:
        dataset: A dataset of batches.
        model: A built model. Keras 2 nests the parts itself, so its dataset stays.
        has_labels: True if the model reads labels and weights, too.

    Raises:
        SourceError: A sample weight is for an output that the model does not have, and
            the model has no `train_step` of its own that may use it.
    """
    if not isinstance(dataset.element_spec, tuple) or not is_of_keras_3(model):
        return dataset
    dataset = as_plain_tuples(dataset)
    spec = dataset.element_spec
    is_wrapped = _is_one(spec[0]) and _takes_one_input(model)
    outputs, names = _outputs_of(model), output_names(model)
    is_nested = any(isinstance(part, (tuple, dict)) for part in spec[1:])
    is_nested = is_nested and has_labels and outputs is not None
    if not is_wrapped and not is_nested:
        return dataset
    nest = partial(_nested_as, outputs, names)
    if is_nested and _has_steps_of_keras(model):
        _check_weights(spec[2:], nest, names)

    def nested(x: Any, *labels: Any) -> Any:
        x = x[0] if is_wrapped else x
        if not is_nested:
            return (x, *labels)
        y, *sample_weight = labels
        if isinstance(y, dict) and not isinstance(outputs, (list, tuple, dict)):
            y = _either(nest(y), y)
        return (x, y, *(_either(nest(weight), weight) for weight in sample_weight))

    # AutoGraph leaves a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(nested))


def _is_one(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 1


def _takes_one_input(model: Any) -> bool:
    """True if the model's x is one tensor. Keras 3 warns of a list with one there."""
    if not model.built:
        return False
    if hasattr(model, "output_names"):
        return not isinstance(model.input, (list, tuple, dict))
    return len(getattr(model, "inputs", ())) == 1


def _check_weights(weights: Any, nest: Callable[[Any], Any], names: list[str]) -> None:
    for weight in weights:
        if nest(weight) is None:
            in_order(weight, names)  # raises


def _outputs_of(model: Any) -> Any:
    """Returns a Keras 3 model's outputs; None if unknown, or nested more deeply."""
    names = output_names(model)
    if not names or not model.built:
        return None
    if not hasattr(model, "output_names"):
        return model.outputs[0] if len(model.outputs) == 1 else None
    outputs = model.output
    is_flat = not isinstance(outputs, (list, tuple, dict)) or len(outputs) == len(names)
    return outputs if is_flat else None


def _has_steps_of_keras(model: Any) -> bool:
    module = getattr(model.train_step, "__module__", "")
    return str(module).partition(".")[0] == "keras"


def _either(value: Any, default: Any) -> Any:
    return default if value is None else value


def _nested_as(outputs: Any, names: list[str], parts: Any) -> Any:
    """Returns parts by name, or in the outputs' order, nested like the outputs.

    Returns None if there is not one part for each output, whatever its name.
    """
    if not isinstance(parts, (tuple, dict)):
        return parts
    names = sorted(outputs) if isinstance(outputs, dict) else names
    if not _fits(parts, names):
        return None
    flat = in_order(parts, names)
    if isinstance(outputs, dict):
        return dict(zip(names, flat))
    return flat if isinstance(outputs, (list, tuple)) else flat[0]


def _fits(parts: Any, names: Sequence[str]) -> bool:
    if isinstance(parts, dict):
        return set(parts) <= set(names)
    return len(parts) == len(names)


def in_order(parts: Any, names: Sequence[str]) -> tuple[Any, ...]:
    """Returns parts by name, or in the outputs' order, as a tuple in that order.

    Raises:
        SourceError: A part has another name, or their number is another.
    """
    if _fits(parts, names):
        is_dict = isinstance(parts, dict)
        return tuple(parts.get(name) for name in names) if is_dict else tuple(parts)
    found = list(parts) if isinstance(parts, dict) else f"{len(parts)} parts"
    raise SourceError(
        f"labels and sample weights of a model with the outputs {list(names)} must be "
        f"a dict with these names, or one part for each in this order; the batches "
        f"have {found}"
    )
