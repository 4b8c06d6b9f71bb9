"""Recognises classes that `wrap` was called with, and what it returned."""

from __future__ import annotations

from typing import Any, Optional

WRAPPED = "__seq2data_wrapped__"


def wrapped_by(value: Any) -> Optional[type]:
    """Returns the wrapped class if the value is a result of `wrap`, else None."""
    if not issubclass(type(value), type):
        return None
    wrapped: Optional[type] = _namespace(value).get(WRAPPED)
    return wrapped


def is_of_wrapped(value: Any) -> bool:
    """True for an instance of a wrapped class, and for a class that inherits from one.

    The result of `wrap` is among the bases of such a class.
    """
    kind = value if issubclass(type(value), type) else type(value)
    return any(
        WRAPPED in _namespace(base) for base in type.__dict__["__mro__"].__get__(kind)
    )


def _namespace(kind: type) -> Any:
    """Returns the `__dict__` of a class, even if its metaclass overrides that."""
    return type.__dict__["__dict__"].__get__(kind)
