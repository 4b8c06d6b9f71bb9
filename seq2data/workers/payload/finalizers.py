"""Prevents `__del__` of the copies that workers have.

Some legacy classes remove a folder or end a server in `__del__`. A copy in a worker
would remove the folder of the original, so its `__del__` is never called. An object
that was made in the worker is no copy, and its `__del__` is called. A
`weakref.finalize`, which a `TemporaryDirectory` has, needs nothing: pickle does not
send it.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any, Callable

# The ids of the copies: a reference would keep them alive. A finalizer runs before
# another object can get the id.
_copies: set[int] = set()


def has_finalizer(kind: type) -> bool:
    """True if objects of a type have a `__del__` that is written in Python."""
    return isinstance(getattr(kind, "__del__", None), FunctionType)


def without_finalizer(reduced: Any) -> Any:
    """Returns a result of `__reduce__`, changed so that `__del__` skips the copy."""
    if isinstance(reduced, str):  # a name to import
        return reduced
    make, args, *rest = reduced
    return (_make, (make, args), *rest)


def _make(make: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    value = make(*args)
    kind: Any = type(value)
    finalizer = kind.__del__
    if not hasattr(finalizer, "skips_copies"):
        kind.__del__ = _skipping_copies(finalizer)
    _copies.add(id(value))
    return value


def _skipping_copies(finalizer: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(finalizer)
    def finalize(self: Any) -> None:
        if id(self) in _copies:
            _copies.discard(id(self))
        else:
            finalizer(self)

    finalize.skips_copies = True  # type: ignore[attr-defined]  # marks it
    return finalize
