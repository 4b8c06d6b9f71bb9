"""Keeps `__del__` of what was sent in the process that made it.

A legacy class cleans up after itself: its `__del__` removes a folder or ends a server.
A copy in a worker has nothing to clean up, and what it removed would be the user's. The
copy's `__del__` is therefore never called; that of an object made in the worker is. A
`weakref.finalize`, which a `TemporaryDirectory` has, comes out of pickle dead anyway.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any, Callable

# By identity: nothing may keep them alive, and a finalizer runs before the id is free.
_arrived: set[int] = set()


def has_finalizer(kind: type) -> bool:
    """Whether a `__del__` written in Python is called for objects of a type."""
    return isinstance(getattr(kind, "__del__", None), FunctionType)


def reduced_without(reduced: Any) -> Any:
    """The same copy, whose `__del__` is never called."""
    if isinstance(reduced, str):  # a name to import
        return reduced
    make, args, *rest = reduced
    return (_make, (make, args), *rest)


def _make(make: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    value = make(*args)
    kind: Any = type(value)
    finalizer = kind.__del__
    if not hasattr(finalizer, "spares_copies"):
        kind.__del__ = _sparing(finalizer)
    _arrived.add(id(value))
    return value


def _sparing(finalizer: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(finalizer)
    def finalize(self: Any) -> None:
        if id(self) in _arrived:
            _arrived.discard(id(self))
        else:
            finalizer(self)

    finalize.spares_copies = True  # type: ignore[attr-defined]  # marks it
    return finalize
