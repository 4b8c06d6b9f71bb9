"""Functions under `functools.lru_cache` or `functools.cache`: with an empty cache.

The function under the cache is sent, and the cache begins anew: it is there to save
time, and holds what the function gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from seq2data.workers.reducers.names import name_of, register_parts
from seq2data.workers.reducers.registry import register


def _parts(cached: Any) -> tuple[Any, ...]:
    attributes = dict(vars(cached))
    # This one comes with the new cache.
    attributes.pop("cache_parameters")
    return _cached, (cached.__wrapped__, cached.cache_parameters()), attributes


def _cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


register(functools._lru_cache_wrapper, name_of)
register_parts(functools._lru_cache_wrapper, _parts)
