"""Recipes for what pickle refuses: a worker makes the same thing for itself.

`fork` copied whatever a legacy class held. What cannot be copied into a clean process
can often be had there in the same way: imported, or opened again.
"""

from __future__ import annotations

import importlib
import io
import operator
import sys
from types import ModuleType
from typing import Any, Callable, Optional

import cloudpickle

Recipe = tuple[Callable[..., Any], tuple[Any, ...]]


class SourcePickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """cloudpickle's, with the recipes."""

    def reducer_override(self, value: Any) -> Any:
        """The recipe of a value, else what cloudpickle makes of it."""
        for make in (_module, _hdf5):
            recipe = make(value)
            if recipe is not None:
                return recipe
        return super().reducer_override(value)


def dumps(value: Any, buffer_callback: Callable[[Any], Any]) -> bytes:
    """The pickle, of protocol 5, without its out-of-band buffers."""
    with io.BytesIO() as file:
        SourcePickler(file, protocol=5, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()


def _module(value: Any) -> Optional[Recipe]:
    """TensorFlow's `keras` is of a class of its own, which loads the module lazily."""
    if isinstance(value, ModuleType) and type(value) is not ModuleType:
        return importlib.import_module, (value.__name__,)
    return None


def _hdf5(value: Any) -> Optional[Recipe]:
    h5py = sys.modules.get("h5py")
    if h5py is None or not isinstance(value, (h5py.Group, h5py.Dataset)) or not value:
        return None
    if isinstance(value, h5py.File):
        if value.mode != "r":
            raise TypeError(
                f"`{value.filename}` is open for writing: open it with mode 'r'"
            )
        return _open_hdf5, (value.filename, value.driver)
    return operator.getitem, (value.file, value.name)


def _open_hdf5(path: str, driver: str) -> Any:
    import h5py

    return h5py.File(path, "r", driver=driver)
