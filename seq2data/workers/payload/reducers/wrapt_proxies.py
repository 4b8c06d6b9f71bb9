"""Functions under decorators of wrapt, and its proxies: wrapped again.

wrapt refuses to pickle them, since only who makes a proxy knows what it is for. What it
has is what it wraps, what it calls, and attributes of its own.
"""

from __future__ import annotations

import gc
from typing import Any, Optional

import wrapt

from seq2data.workers.payload.reducers.names import (
    name_of,
    register_parts,
    register_place,
)
from seq2data.workers.payload.registry import register

# The proxies' common base has another name since wrapt 2.
_PROXY = "BaseObjectProxy" if hasattr(wrapt, "BaseObjectProxy") else "ObjectProxy"
# Those that a proxy has are of what it wraps.
_NOT_ITS_OWN = ("__module__", "__doc__", "__qualname__")
# They keep to themselves what they call, or whether they have called it.
_CLOSED = ("PartialCallableObjectProxy", "AutoObjectProxy")


def _parts_of_function(value: Any) -> tuple[Any, ...]:
    parts = value.__wrapped__, value._self_wrapper, value._self_enabled
    return _parts(value, "FunctionWrapper", *parts)


def _reduce_bound(value: Any) -> tuple[Any, ...]:
    names = ("instance", "wrapper", "enabled", "binding", "parent", "owner")
    places = [f"_self_{name}" for name in names]
    # There is no owner before wrapt 1.16.
    parts = [getattr(value, place) for place in places if hasattr(type(value), place)]
    return _parts(value, "BoundFunctionWrapper", value.__wrapped__, *parts)


def _reduce_proxy(value: Any) -> Optional[tuple[Any, ...]]:
    kind = type(value)
    if any(issubclass(kind, getattr(wrapt, name, ())) for name in _CLOSED):
        return None
    return _parts(value, _PROXY, value.__wrapped__)


def _parts(proxy: Any, base: str, *args: Any) -> tuple[Any, ...]:
    recipe = _make, (base, type(proxy), *args)
    return *recipe, _own_attributes(proxy), None, None, _set_attributes


def _make(base: str, kind: Any, *args: Any) -> Any:
    made = getattr(wrapt, base).__new__(kind)
    getattr(wrapt, base).__init__(made, *args)
    return made


def _own_attributes(proxy: Any) -> Optional[dict[str, Any]]:
    """Returns those of the proxy itself: its `__dict__` is that of what it wraps."""
    wrapped = proxy.__wrapped__
    held = (part for part in gc.get_referents(proxy) if type(part) is dict)
    own = next((part for part in held if part is not wrapped), {})
    return {k: v for k, v in own.items() if k not in _NOT_ITS_OWN} or None


def _set_attributes(proxy: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        getattr(wrapt, _PROXY).__setattr__(proxy, name, value)


for _name, _kind in vars(wrapt).items():
    if isinstance(_kind, type):  # some name a module that is not there
        register_place(_kind, "wrapt", _name)
register(wrapt.FunctionWrapper, name_of)
register_parts(wrapt.FunctionWrapper, _parts_of_function)
register(wrapt.BoundFunctionWrapper, _reduce_bound)
register(getattr(wrapt, _PROXY), _reduce_proxy)
