"""Restores methods of classes that Keras 3 has kept.

In Keras 2 `__next__` of an image iterator calls Python 2's `next`, so old subclasses
override `next`. `TimeseriesGenerator.get_config` of Keras 3 calls a method that its
base does not have. A callback of Keras 2 without validation arrays has None for them.
"""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

from seq2data.train.patching.when_imported import AttributeChanges

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


def restore_methods(
    changes: AttributeChanges, image: ModuleType, sequence: ModuleType, callback: type
) -> None:
    """Sets the methods, unless they are set already.

    Args:
        changes: Sets them, and can undo that.
        image: `keras.preprocessing.image`.
        sequence: `keras.preprocessing.sequence`.
        callback: `keras.callbacks.Callback`.
    """
    iterator, timeseries = image.Iterator, sequence.TimeseriesGenerator
    if changes.is_set_on(iterator):
        return
    changes.set(iterator, "next", iterator.__next__)
    changes.set(iterator, "__next__", _next)
    changes.set(timeseries, "get_config", _get_config)
    changes.set(callback, "validation_data", None)


def _next(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self.next(*args, **kwargs)


def _get_config(self: Any) -> dict[str, Any]:
    """Returns the configuration that `TimeseriesGenerator` of Keras 2.15 returns."""
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
