"""Properties and methods of a subclass of `property`, `staticmethod` or `classmethod`.

pickle knows those of Python itself. It does not find the functions that an instance of
a subclass holds.
"""

from __future__ import annotations

from typing import Any, Optional

from seq2data.workers.payload.reducers.instances import restore, state_of
from seq2data.workers.payload.registry import register

_OF_PYTHON = ("builtins", "abc")


def _reduce_property(value: property) -> Optional[tuple[Any, ...]]:
    parts = value.fget, value.fset, value.fdel, value.__doc__
    return _reduce(value, property, parts)


def _reduce_method(value: Any) -> Optional[tuple[Any, ...]]:
    base = staticmethod if isinstance(value, staticmethod) else classmethod
    return _reduce(value, base, (value.__func__,))


def _reduce(
    value: Any, base: type, parts: tuple[Any, ...]
) -> Optional[tuple[Any, ...]]:
    kind = type(value)
    if kind.__module__ in _OF_PYTHON:
        return None
    state = parts, state_of(value, base)
    return _make, (base, kind), state, None, None, _fill


def _make(base: Any, kind: type) -> Any:
    return base.__new__(kind, None)


def _fill(value: Any, state: tuple[Any, Any]) -> None:
    parts, own = state
    base: Any = next(kind for kind in _KINDS if isinstance(value, kind))
    base.__init__(value, *parts)
    if own is not None:
        restore(value, own)


_KINDS = (property, staticmethod, classmethod)
register(property, _reduce_property)
register(staticmethod, _reduce_method)
register(classmethod, _reduce_method)
