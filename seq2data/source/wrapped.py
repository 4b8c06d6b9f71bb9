"""Tells classes that `wrap` was called with, and what it has returned."""

from __future__ import annotations

from typing import Any, Optional

WRAPPED = "__seq2data_wrapped__"


def wrapped_by(value: Any) -> Optional[type]:
    """Returns the class that was wrapped, None if the value is not what came of it."""
    if not issubclass(type(value), type):
        return None
    wrapped: Optional[type] = _namespace(value).get(WRAPPED)
    return wrapped


def is_of_wrapped(value: Any) -> bool:
    """True if it is an instance of a wrapped class, or a class that inherits from one.

    What `wrap` has returned comes among the bases of such a class.
    """
    kind = value if issubclass(type(value), type) else type(value)
    return any(
        WRAPPED in _namespace(base) for base in type.__dict__["__mro__"].__get__(kind)
    )


def _namespace(kind: type) -> Any:
    """Its own, whatever its metaclass makes of the question."""
    return type.__dict__["__dict__"].__get__(kind)
