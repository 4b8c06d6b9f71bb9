"""Functions under `functools.lru_cache` or `functools.cache`.

A worker gets the function with an empty cache. The cache saves time and holds nothing
but results of the function.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

from seq2data.workers.payload.reducers.names import name_of, register_parts
from seq2data.workers.payload.registry import register


def _parts(cached: Any) -> tuple[Any, ...]:
    function = cached.__wrapped__
    attributes = dict(vars(cached))
    # The new cache has its own.
    attributes.pop("cache_parameters")
    # An object that is no plain function, numba's for one, may have attributes that it
    # does not send. The cache has copied them.
    if type(function) is not FunctionType:
        for name, value in getattr(function, "__dict__", {}).items():
            if attributes.get(name) is value:
                del attributes[name]
    return _cached, (function, cached.cache_parameters()), attributes


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


register(functools._lru_cache_wrapper, name_of)
register_parts(functools._lru_cache_wrapper, _parts)
