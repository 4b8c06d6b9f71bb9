"""Labels and sample weights in the nesting of a model's outputs.

Keras 2 took both by output name, or in the outputs' order, whatever the model returns
(`map_to_output_names` in keras/engine/compile_utils.py of Keras 2.15). Keras 3 takes
them only as the model returns its outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.train.sizes import is_of_keras_3


def output_names(model: Any) -> list[str]:
    """The names of a model's outputs, in their order; none if it does not know them."""
    names = getattr(model, "output_names", None)
    if names:
        return list(names)
    is_sequential = any(base.__name__ == "Sequential" for base in type(model).__mro__)
    return [model.layers[-1].name] if is_sequential and model.layers else []


def nested_as_outputs(dataset: tf.data.Dataset, model: Any) -> tf.data.Dataset:
    """The dataset with labels and sample weights as the model's outputs are nested.

    Raises:
        SourceError: A sample weight is for an output that the model has not, and the
            model has no step of its own that may know better.
    """
    spec = dataset.element_spec
    outputs = _outputs_of(model)
    if outputs is None or not isinstance(spec, tuple):
        return dataset
    if not any(isinstance(part, (tuple, dict)) for part in spec[1:]):
        return dataset
    nest = partial(_nested_as, outputs, output_names(model))
    for part in spec[2:]:
        if nest(part) is None and _has_steps_of_keras(model):
            in_order(part, output_names(model))  # raises

    def nested(x: Any, *labels: Any) -> Any:
        y, *sample_weight = labels
        if isinstance(y, dict) and not isinstance(outputs, (list, tuple, dict)):
            y = _either(nest(y), y)
        return (x, y, *(_either(nest(weight), weight) for weight in sample_weight))

    # AutoGraph would leave a file in the temporary folder.
    return dataset.map(tf.autograph.experimental.do_not_convert(nested))


def _outputs_of(model: Any) -> Any:
    """What a model of Keras 3 returns; None where it does not know, or nests deeper."""
    names = output_names(model)
    if not names or not is_of_keras_3(model):
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
    """Parts by output name, or in the outputs' order, nested as the outputs.

    None for what is not one part for each output, by whatever name.
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
    """Parts by output name, or in the outputs' order, in the outputs' order.

    Raises:
        SourceError: There is one of another name, or another number of them.
    """
    if _fits(parts, names):
        is_dict = isinstance(parts, dict)
        return tuple(parts.get(name) for name in names) if is_dict else tuple(parts)
    found = list(parts) if isinstance(parts, dict) else f"{len(parts)} parts"
    raise SourceError(
        f"labels and sample weights of a model with the outputs {list(names)} are a "
        f"dict with these names, or one for each in this order; the batches have "
        f"{found}"
    )
