"""The class behind what `wrap` has returned."""

from __future__ import annotations

from typing import Any, Optional

WRAPPED = "__seq2data_wrapped__"


def wrapped_by(value: Any) -> Optional[type]:
    """Returns the class that was wrapped, None if the value is not what came of it."""
    if not issubclass(type(value), type):
        return None
    wrapped: Optional[type] = type.__dict__["__dict__"].__get__(value).get(WRAPPED)
    return wrapped
