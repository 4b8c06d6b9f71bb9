"""Functions under `functools.lru_cache` or `functools.cache`: with an empty cache.

The function under the cache is sent, and the cache begins anew: it is there to save
time, and holds what the function gives.
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
    # These come with the new cache. What other than a function is under it, numba's
    # for one, may hold what it does not send.
    attributes.pop("cache_parameters")
    if type(function) is not FunctionType:
        for name, value in getattr(function, "__dict__", {}).items():
            if attributes.get(name) is value:
                del attributes[name]
    return _cached, (function, cached.cache_parameters()), attributes


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


register(functools._lru_cache_wrapper, name_of)
register_parts(functools._lru_cache_wrapper, _parts)
