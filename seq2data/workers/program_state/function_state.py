"""What functions hold that the program may have changed.

Import makes a function of a module; what the program has put into its default
arguments, into what its closure has, or into the table of a `functools.singledispatch`,
comes with this.
"""

from __future__ import annotations

import functools
from types import CellType, FunctionType, MappingProxyType
from typing import Any, Callable, NamedTuple


class Unchanged:
    """Stands for what a function holds and keeps."""


class FunctionState(NamedTuple):
    """What a function holds.

    Attributes:
        defaults: Of its positional arguments.
        kwdefaults: Of its keyword arguments.
        contents: Of its closure.
        registered: Types and their implementations, which are not of its module.
    """

    defaults: tuple[Any, ...]
    kwdefaults: dict[str, Any]
    contents: tuple[Any, ...]
    registered: tuple[tuple[type, Any], ...]

    @classmethod
    def of(cls, function: Any, is_sent: Callable[[Any], bool]) -> FunctionState:
        """Returns what a function holds; what is not sent stays `Unchanged`."""
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
        """True if nothing of it is sent."""
        values = (*self.defaults, *self.kwdefaults.values(), *self.contents)
        return all(value is Unchanged for value in values)

    def give_to(self, function: Any) -> None:
        """Has a function of the same code hold this."""
        if not isinstance(function, FunctionType):
            return
        if is_single_dispatch(function):
            self._register_with(function)
            return
        cells = function.__closure__ or ()
        defaults = function.__defaults__ or ()
        if (len(defaults), len(cells)) != (len(self.defaults), len(self.contents)):
            return  # another function: the module's text was changed meanwhile
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
    """Returns what its own module has not registered."""
    return tuple(
        (kind, implementation)
        for kind, implementation in function.registry.items()
        if getattr(implementation, "__module__", None) != function.__module__
    )


def contents_of(function: FunctionType) -> list[Any]:
    """Returns what is in the closure of a function."""
    return [part for cell in function.__closure__ or () for part in content_of(cell)]


def content_of(cell: CellType) -> tuple[Any, ...]:
    """Returns what is in a cell, if anything is."""
    try:
        return (cell.cell_contents,)
    except ValueError:  # nothing is
        return ()
