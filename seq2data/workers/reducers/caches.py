"""Functions under `functools.lru_cache` or `functools.cache`: with an empty cache.

They pickle as a name, which a worker finds only where it imports the module. Where it
does not, the function under the cache is sent, and the cache begins anew: it is there
to save time, and holds what the function gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Optional

from seq2data.workers.program_state.replaced import Reference
from seq2data.workers.reducers.modules import is_found_in_workers
from seq2data.workers.reducers.registry import Recipe, register


def _reduce(cached: Any) -> Optional[tuple[Any, ...]]:
    reference = Reference.to(cached)
    if reference is not None and is_found_in_workers(reference.module):
        return None
    attributes = {
        name: value for name, value in vars(cached).items() if name != "__wrapped__"
    }
    parameters = cached.cache_parameters()
    return _cached, (cached.__wrapped__, parameters, attributes)


def _cached(
    function: Callable[..., Any], parameters: dict[str, Any], attributes: dict[str, Any]
) -> Any:
    cached = functools.lru_cache(**parameters)(function)
    vars(cached).update(attributes)
    return cached


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> Recipe:
    return MappingProxyType, (dict(proxy),)


register(functools._lru_cache_wrapper, _reduce)
# `functools.singledispatch` shows its table in one.
register(MappingProxyType, _reduce_proxy)
