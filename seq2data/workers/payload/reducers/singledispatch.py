"""Functions under `functools.singledispatch`: made again with the registered functions.

Their tables are not sent. They record the types of the arguments so far, and so would
differ after a call.
"""

from __future__ import annotations

import functools
import weakref
from typing import Any

from seq2data.workers.payload.registry import register

# `functools` makes these for each function.
_OWN = ("register", "dispatch", "registry", "_clear_cache")


def reduce_function(function: Any) -> tuple[Any, ...]:
    """Returns what a function of this kind is reduced to."""
    attributes = {k: v for k, v in vars(function).items() if k not in _OWN}
    names = {name: getattr(function, name) for name in functools.WRAPPER_ASSIGNMENTS}
    state = (names, attributes, dict(function.registry))
    return _make, (), state, None, None, _fill


def _make() -> Any:
    return functools.singledispatch(_fill)  # any function: the state replaces it


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
