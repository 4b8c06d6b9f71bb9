"""Modules, and what a worker cannot import by name though this process has it."""

from __future__ import annotations

import functools
import importlib
import sys
from types import FunctionType, ModuleType
from typing import Any, Optional

import cloudpickle

from seq2data.source.user_modules import is_users_module
from seq2data.workers.payload.registry import Recipe, register
from seq2data.workers.payload.under_import import trains_when_imported


def _reduce_module(module: ModuleType) -> Optional[Recipe]:
    """TensorFlow's `keras` is of a class of its own, which loads the module lazily."""
    if type(module) is ModuleType:
        return None
    return importlib.import_module, (module.__name__,)


register(ModuleType, _reduce_module)


class ByValue:
    """Lets cloudpickle send code with its users, for the time of one pickle.

    It sends that of `__main__`, but takes for importable whatever is in `sys.modules`:
    also a module that was loaded from a path, or made by hand.

    Attributes:
        code: What of the user's code was looked at.
    """

    def __init__(self) -> None:
        self.code: list[Any] = []
        self._registered: list[ModuleType] = []

    def note(self, value: Any) -> None:
        """Looks at where a function, a class or a module comes from."""
        name: Any
        if isinstance(value, (type, FunctionType)):
            name = value.__module__
        elif isinstance(value, ModuleType):
            name = value.__name__
        else:
            return
        if not isinstance(name, str):
            return
        if is_users_module(name):
            self.code.append(value)
        if name == "__main__":
            return
        if not trains_when_imported(name):
            root = name.partition(".")[0]
            name = root if root in sys.modules else name
        module = sys.modules.get(name)
        if module is None or is_importable(name):
            return
        if module.__name__ not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(module)
            self._registered.append(module)

    def note_name(self, value: Any) -> None:
        """Notes what a worker has by importing the module of a name."""
        module = getattr(value, "__module__", None)
        if isinstance(module, str) and is_users_module(module):
            self.code.append(value)

    def __enter__(self) -> ByValue:
        return self

    def __exit__(self, *_: object) -> None:
        for module in self._registered:
            cloudpickle.unregister_pickle_by_value(module)


def is_found_in_workers(name: str) -> bool:
    """True if a worker imports the module of a name that we have."""
    if name == "__main__" or name not in sys.modules or trains_when_imported(name):
        return False
    return is_importable(name.partition(".")[0])


def is_importable(name: str) -> bool:
    """Whether a fresh interpreter with our `sys.path` imports the module we have."""
    if trains_when_imported(name):
        return False
    module = sys.modules[name]
    if "__builtins__" not in vars(module):  # of C: there is no code to send
        return True
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    package, _, _ = name.rpartition(".")
    if not package:
        return _is_found(name, origin, None, tuple(sys.path))
    folders = getattr(sys.modules.get(package), "__path__", None)
    return folders is not None and _is_found(name, origin, tuple(folders), ())


@functools.lru_cache
def _is_found(
    name: str,
    origin: Optional[str],
    folders: Optional[tuple[str, ...]],
    _: tuple[str, ...],
) -> bool:
    # `importlib.util.find_spec` would only look into `sys.modules`.
    for finder in sys.meta_path:
        if hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, folders)
            if spec is not None:
                return origin is None or spec.origin == origin
    return False
