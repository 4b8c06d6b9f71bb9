"""Replaces in a worker what an import gives by what the program has put there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, Optional

from seq2data.source.wrapped import wrapped_by
from seq2data.workers.program_state.function_state import (
    FunctionState,
    content_of,
    contents_of,
)

_MISSING: Any = object()
_COMPARED = (bool, int, float, complex, str, bytes, type(None))


class Reference(NamedTuple):
    """A module, or a function or class that a worker finds under its own name.

    Attributes:
        module: The name of the module.
        qualname: The qualified name in the module, "" for the module itself.
    """

    module: str
    qualname: str

    @classmethod
    def to(cls, value: Any) -> Optional[Reference]:
        """Returns the reference to a value, None if another object has its name."""
        if isinstance(value, ModuleType):
            reference = cls(value.__name__, "")
        else:
            reference = cls(value.__module__, value.__qualname__)
        module = sys.modules.get(reference.module)
        if reference.module == "__main__" or module is None:
            return None
        return reference if reference.found_in(module) is value else None

    def found_in(self, module: Any) -> Any:
        """Returns the object in the module, None if there is none.

        For a class that `wrap` has returned, this is the wrapped class.
        """
        for part in self.qualname.split(".") if self.qualname else ():
            module = vars(module).get(part) if hasattr(module, "__dict__") else None
            module = wrapped_by(module) or module
        return module

    def resolve(self) -> Any:
        """Returns the module, function or class; imports the module."""
        return self.found_in(importlib.import_module(self.module))

    def is_to(self, value: Any) -> bool:
        """True if a module, function or class has this name as its own name."""
        if isinstance(value, ModuleType):
            return self == (value.__name__, "")
        names = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        return names == self


def is_displaced(function: FunctionType) -> bool:
    """True if another object has the name of a module's function: it was replaced."""
    if "<" in function.__qualname__ or function.__module__ == "__main__":
        return False
    home = function.__globals__.get("__name__")
    if home not in sys.modules or vars(sys.modules[home]) is not function.__globals__:
        return False
    return Reference.to(function) is None


def function_by_code(function: FunctionType) -> Any:
    """Returns what a function is reduced to so that a worker makes it in its module.

    Then it uses the worker's globals of that module, and not copies of some of them.
    """
    closure = function.__closure__
    state = (
        function.__defaults__,
        function.__kwdefaults__,
        vars(function),
        function.__module__,
        None if closure is None else [content_of(cell) for cell in closure],
    )
    made_of = (function.__globals__["__name__"], function.__code__)
    names = (function.__name__, function.__qualname__)
    cells = None if closure is None else len(closure)
    return _make, (*made_of, *names, cells), state, None, None, _fill


def _make(
    home: str, code: CodeType, name: str, qualname: str, cells: Optional[int]
) -> FunctionType:
    closure = None if cells is None else tuple(CellType() for _ in range(cells))
    module = importlib.import_module(home)
    function = FunctionType(code, vars(module), name, None, closure)
    function.__qualname__ = qualname
    return function


def _fill(function: FunctionType, state: tuple[Any, ...]) -> None:
    defaults, kwdefaults, attributes, module, contents = state
    function.__defaults__, function.__kwdefaults__ = defaults, kwdefaults
    vars(function).update(attributes)
    function.__module__ = module
    for cell, content in zip(function.__closure__ or (), contents or ()):
        if content:
            (cell.cell_contents,) = content


class ByCode:
    """Sends a function by its code although an object has its name.

    A decorator gives the function that it makes the name of the decorated function. The
    worker compares it with the function that its import has made.
    """

    def __init__(self, function: FunctionType) -> None:
        self._function = function

    def __reduce__(self) -> Any:
        function = self._function
        if function.__globals__.get("__name__") != "__main__":
            return function_by_code(function)
        copy = FunctionType(
            function.__code__,
            function.__globals__,
            function.__name__,
            function.__defaults__,
            function.__closure__,
        )
        copy.__kwdefaults__ = function.__kwdefaults__
        vars(copy).update(vars(function))
        copy.__module__ = "__main__"  # cloudpickle sends this module by value
        return _named, (copy, function.__module__, function.__qualname__)


def _named(function: FunctionType, module: str, qualname: str) -> FunctionType:
    function.__module__, function.__qualname__ = module, qualname
    return function


class Replacements:
    """Replaces values of one module or class, and restores them.

    It is used in workers.
    """

    def __init__(self) -> None:
        self._originals: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self._wanted: set[tuple[int, str]] = set()

    def begin(self) -> None:
        """Begins a new version of the values."""
        self._wanted.clear()

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Gives a module or class a value, unless it has an equal one."""
        present = vars(owner).get(name, _MISSING)
        key = (id(owner), name)
        self._wanted.add(key)
        if isinstance(value, FunctionState):
            value.apply_to(getattr(present, "__func__", present))
            return
        if isinstance(value, Reference):
            if value.is_to(present):
                return
            value = value.resolve()
        if _are_same(present, value):
            return
        self._originals.setdefault(key, (owner, name, present))
        setattr(owner, name, value)

    def end(self) -> None:
        """Restores what an earlier version has replaced and this one has not."""
        for key in self._originals.keys() - self._wanted:
            owner, name, present = self._originals.pop(key)
            if present is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, present)


def _are_same(one: Any, other: Any) -> bool:
    """True if two values are one object, equal plain values, or equal functions."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (staticmethod, classmethod)):
        return _are_same(one.__func__, other.__func__)
    if not isinstance(one, FunctionType):
        return type(one) in _COMPARED and bool(one == other)
    return (
        one.__code__ == other.__code__
        and one.__globals__ is other.__globals__
        and _are_alike(one.__defaults__ or (), other.__defaults__ or ())
        and _are_alike(contents_of(one), contents_of(other))
    )


def _are_alike(ones: Sequence[Any], others: Sequence[Any]) -> bool:
    """True if two functions hold the same values, or values of the same types."""
    return len(ones) == len(others) and all(
        _are_same(one, other)
        or (type(one) is type(other) and type(one) not in (*_COMPARED, FunctionType))
        for one, other in zip(ones, others)
    )
