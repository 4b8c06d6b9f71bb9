"""Puts back what classes that Keras 3 has kept have lost.

Image iterators had Python 2's `next`, which `__next__` called, so that subclasses of
that time override it. `TimeseriesGenerator.get_config` asks its base, which has none.
A callback without validation arrays had None for them.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from seq2data.train.patching.when_imported import Attributes

_CONFIG = (
    "length",
    "sampling_rate",
    "stride",
    "start_index",
    "end_index",
    "shuffle",
    "reverse",
    "batch_size",
)


def put_methods_back(
    attributes: Attributes, image: ModuleType, sequence: ModuleType, callback: type
) -> None:
    """Sets them, unless they are set.

    Args:
        attributes: Takes them back later.
        image: `keras.preprocessing.image`.
        sequence: `keras.preprocessing.sequence`.
        callback: `keras.callbacks.Callback`.
    """
    iterator, timeseries = image.Iterator, sequence.TimeseriesGenerator
    if attributes.is_set_on(iterator):
        return
    attributes.set(iterator, "next", iterator.__next__)
    attributes.set(iterator, "__next__", _next)
    attributes.set(timeseries, "get_config", _get_config)
    attributes.set(callback, "validation_data", None)


def _next(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.next(*args, **kwargs)


def _get_config(self: Any) -> dict[str, Any]:
    """The configuration, as `TimeseriesGenerator` of Keras 2.15 gives it."""
    config: dict[str, Any] = {}
    for name in ("data", "targets"):
        value = getattr(self, name)
        if hasattr(value, "tolist"):
            value = value.tolist()
        try:
            config[name] = json.dumps(value)
        except TypeError as error:
            kind = name.capitalize()
            raise TypeError(f"{kind} not JSON Serializable: {value}") from error
    return {**config, **{name: getattr(self, name) for name in _CONFIG}}
