"""Keras models and layers: made again from their configuration, with their weights.

Keras can pickle most of them. But its pickle contains the date, so it would be sent
again before every epoch, and loading it does not find classes of `__main__`. Here
weights are arrays, and only those that have changed are sent. The arguments of
`compile` are not sent.
"""

from __future__ import annotations

import importlib
from typing import Any, Optional

import wrapt

from seq2data.workers.payload.registry import Recipe, register

_PACKAGES = ("keras", "tf_keras")


def _reduce(layer: Any) -> Optional[Recipe]:
    try:
        config = layer.get_config()
    except NotImplementedError:  # Keras itself may be able to pickle it
        return None
    facts = (config, _build_config(layer), layer.get_weights())
    scope = (_package_of(type(layer)), _own_classes(layer))
    return _make, (type(layer), facts, scope)


def _build_config(layer: Any) -> Any:
    """Returns what a layer was built with, None if it was not."""
    if not layer.built:
        return None
    if hasattr(layer, "get_build_config"):
        return layer.get_build_config()
    # TensorFlow before 2.12 has no such method.
    return getattr(layer, "_build_input_shape", None)


def _build(layer: Any, build_config: Any) -> None:
    if hasattr(layer, "build_from_config"):
        layer.build_from_config(build_config)
    else:
        layer.build(build_config)


def _package_of(kind: type) -> str:
    """Returns `keras` or `tf_keras`, which is Keras 2 since TensorFlow 2.16."""
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next(root for root in roots if root in _PACKAGES)


def _own_classes(layer: Any) -> dict[str, type]:
    """Returns the user's classes in a model, by the names in its configuration."""
    kinds = {type(part).__name__: type(part) for part in layer._flatten_layers()}
    return {
        name: kind
        for name, kind in sorted(kinds.items())
        if kind.__module__.partition(".")[0] not in _PACKAGES
    }


def _make(
    kind: Any, facts: tuple[Any, Any, Any], scope: tuple[str, dict[str, type]]
) -> Any:
    config, build_config, weights = facts
    package, classes = scope
    with importlib.import_module(package).utils.custom_object_scope(classes):
        layer = kind.from_config(config)
        if build_config is not None and not layer.built:
            _build(layer, build_config)
    layer.set_weights(weights)
    return layer


def _register(keras: Any) -> None:
    register(keras.layers.Layer, _reduce)
    register(keras.Model, _reduce)  # in Keras 2 it defines `__reduce__`


for _package in _PACKAGES:
    wrapt.register_post_import_hook(_register, _package)
