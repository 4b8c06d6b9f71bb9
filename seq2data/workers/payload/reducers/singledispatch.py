"""Functions under `functools.singledispatch`: made again, with what is registered.

Their own tables are no part of what is sent: they remember which types they have seen,
and would differ after every call.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

from seq2data.workers.payload.registry import register

# `functools` makes them for each function.
_OWN = ("register", "dispatch", "registry", "_clear_cache")


def reduced(function: Any) -> tuple[Any, ...]:
    """Returns how a worker makes a function of this kind."""
    attributes = {k: v for k, v in vars(function).items() if k not in _OWN}
    names = {name: getattr(function, name) for name in functools.WRAPPER_ASSIGNMENTS}
    state = (names, attributes, dict(function.registry))
    return _make, (), state, None, None, _fill


def _make() -> Any:
    return functools.singledispatch(_fill)  # which is replaced


def _fill(function: Any, state: tuple[Any, ...]) -> None:
    names, attributes, registry = state
    for name, value in names.items():
        setattr(function, name, value)
    vars(function).update(attributes)
    for kind, implementation in registry.items():
        function.register(kind, implementation)


def _reduce_method(value: Any) -> tuple[Any, ...]:
    attributes = dict(vars(value))
    if "_method_cache" in attributes:  # since Python 3.13
        attributes["_method_cache"] = weakref.WeakKeyDictionary()
    return object.__new__, (type(value),), attributes


register(functools.singledispatchmethod, _reduce_method)
