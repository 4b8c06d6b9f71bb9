"""Sends what functions hold, which the program may have changed.

A worker gets a function by importing its module. What the program has put into the
default arguments, into the closure, or into the table of a `functools.singledispatch`
is sent with FunctionState.
"""

from __future__ import annotations

import functools
from types import CellType, FunctionType, MappingProxyType
from typing import Any, Callable, NamedTuple


class Unchanged:
    """A mark for values that are not sent: the worker's function keeps its own."""


class FunctionState(NamedTuple):
    """The values that a function holds.

    Attributes:
        defaults: The defaults of its positional arguments.
        kwdefaults: The defaults of its keyword arguments.
        contents: The contents of its closure.
        registered: The types and implementations that other modules have registered.
    """

    defaults: tuple[Any, ...]
    kwdefaults: dict[str, Any]
    contents: tuple[Any, ...]
    registered: tuple[tuple[type, Any], ...]

    @classmethod
    def of(cls, function: Any, is_sent: Callable[[Any], bool]) -> FunctionState:
        """Returns what a function holds, `Unchanged` for values that are not sent."""
        if is_single_dispatch(function):
            return cls((), {}, (), _registered_elsewhere(function))

        def part(value: Any) -> Any:
            return value if is_sent(value) else Unchanged

        return cls(
            tuple(map(part, function.__defaults__ or ())),
            {key: part(v) for key, v in (function.__kwdefaults__ or {}).items()},
            tuple(map(part, contents_of(function))),
            (),
        )

    @property
    def is_empty(self) -> bool:
        """True if no value of it is sent."""
        values = (*self.defaults, *self.kwdefaults.values(), *self.contents)
        return all(value is Unchanged for value in values)

    def apply_to(self, function: Any) -> None:
        """Puts the values into a function of the same code."""
        if not isinstance(function, FunctionType):
            return
        if is_single_dispatch(function):
            self._register_with(function)
            return
        cells = function.__closure__ or ()
        defaults = function.__defaults__ or ()
        if (len(defaults), len(cells)) != (len(self.defaults), len(self.contents)):
            return  # another function: the module's file has changed since
        if defaults:
            function.__defaults__ = tuple(map(_chosen, defaults, self.defaults))
        for key, value in self.kwdefaults.items():
            if value is not Unchanged and function.__kwdefaults__ is not None:
                function.__kwdefaults__[key] = value
        for cell, content in zip(cells, self.contents):
            if content is not Unchanged:
                cell.cell_contents = content

    def _register_with(self, function: Any) -> None:
        for kind, implementation in self.registered:
            if function.registry.get(kind) is not implementation:
                function.register(kind, implementation)


def _chosen(present: Any, value: Any) -> Any:
    return present if value is Unchanged else value


def is_single_dispatch(function: Any) -> bool:
    """True if `functools.singledispatch` has made a function."""
    return (
        type(function) is FunctionType
        and function.__code__.co_filename == functools.__file__
        and isinstance(vars(function).get("registry"), MappingProxyType)
    )


def _registered_elsewhere(function: Any) -> tuple[tuple[type, Any], ...]:
    """Returns the types and implementations that other modules have registered."""
    return tuple(
        (kind, implementation)
        for kind, implementation in function.registry.items()
        if getattr(implementation, "__module__", None) != function.__module__
    )


def contents_of(function: FunctionType) -> list[Any]:
    """Returns the contents of a function's closure."""
    return [part for cell in function.__closure__ or () for part in content_of(cell)]


def content_of(cell: CellType) -> tuple[Any, ...]:
    """Returns the content of a cell, or an empty tuple if it is empty."""
    try:
        return (cell.cell_contents,)
    except ValueError:  # it is empty
        return ()
