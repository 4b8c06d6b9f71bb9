"""Sends code by value where a worker cannot import it by name."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle

from seq2data.source.user_modules import is_users_module
from seq2data.workers.program_state.importable import (
    is_import_forbidden,
    is_importable,
)


class ByValue:
    """Makes cloudpickle send modules by value, for the time of one pickle.

    By itself it sends only the code of `__main__` by value. It takes any other module
    in `sys.modules` for importable, also one that was loaded from a path or made by the
    program.

    Attributes:
        code: The functions, classes and modules of the user's that were noted.
    """

    def __init__(self) -> None:
        self.code: list[Any] = []
        self._registered: list[ModuleType] = []

    def note(self, value: Any) -> None:
        """Notes a function, class or module, and registers its module if need be."""
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
        if not is_import_forbidden(name):
            root = name.partition(".")[0]
            name = root if root in sys.modules else name
        module = sys.modules.get(name)
        if module is None or is_importable(name):
            return
        if module.__name__ not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(module)
            self._registered.append(module)

    def note_name(self, value: Any) -> None:
        """Notes a value that a worker gets by importing its module."""
        module = getattr(value, "__module__", None)
        if isinstance(module, str) and is_users_module(module):
            self.code.append(value)

    def __enter__(self) -> ByValue:
        return self

    def __exit__(self, *_: object) -> None:
        for module in self._registered:
            cloudpickle.unregister_pickle_by_value(module)
