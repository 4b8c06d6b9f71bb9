"""Functions under decorators of wrapt, and its proxies: a worker wraps them again.

wrapt refuses to pickle a proxy, since a proxy may hold anything. These hold what they
wrap, what they call, and attributes of their own.
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

# The common base of the proxies has another name since wrapt 2.
_PROXY = "BaseObjectProxy" if hasattr(wrapt, "BaseObjectProxy") else "ObjectProxy"
# A proxy copies these from what it wraps.
_COPIED = ("__module__", "__doc__", "__qualname__")
# Python cannot read what these call, or whether they have called it.
_UNREADABLE = ("PartialCallableObjectProxy", "AutoObjectProxy")


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
    if any(issubclass(kind, getattr(wrapt, name, ())) for name in _UNREADABLE):
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
    """Returns the attributes of the proxy itself.

    Its `__dict__` has the attributes of the wrapped object instead.
    """
    wrapped = proxy.__wrapped__
    held = (part for part in gc.get_referents(proxy) if type(part) is dict)
    own = next((part for part in held if part is not wrapped), {})
    return {k: v for k, v in own.items() if k not in _COPIED} or None


def _set_attributes(proxy: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        getattr(wrapt, _PROXY).__setattr__(proxy, name, value)


for _name, _kind in vars(wrapt).items():
    if isinstance(_kind, type):  # the `__module__` of some does not exist
        register_place(_kind, "wrapt", _name)
register(wrapt.FunctionWrapper, name_of)
register_parts(wrapt.FunctionWrapper, _parts_of_function)
register(wrapt.BoundFunctionWrapper, _reduce_bound)
register(getattr(wrapt, _PROXY), _reduce_proxy)
