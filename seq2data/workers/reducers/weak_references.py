"""Weak references: to the copy of what they refer to.

The object goes along. If nothing else in the source holds it, its copy goes away at
once and the reference is dead, as it would be here. Callbacks stay in the parent.
"""

from __future__ import annotations

import weakref
from typing import Any

from seq2data.workers.reducers.registry import Recipe, register


class _Gone:
    """What a dead reference referred to."""


# Python 3.9 cannot import `weakref.ref` by the name that the class says it has.
def _refer(target: Any) -> Any:
    return weakref.ref(target)


def _dead() -> Any:
    return weakref.ref(_Gone())


def _reduce_reference(value: Any) -> Recipe:
    target = value()
    return (_dead, ()) if target is None else (_refer, (target,))


def _reduce_method(value: Any) -> Recipe:
    method = value()
    return (_dead, ()) if method is None else (weakref.WeakMethod, (method,))


def _reduce_proxy(value: Any) -> Recipe:
    # A proxy passes every question on, also this one.
    return weakref.proxy, (value.__reduce_ex__.__self__,)


def _reduce_dictionary(value: Any) -> tuple[Any, ...]:
    # The items come later: they may refer to who holds the dictionary.
    return type(value), (), None, None, iter(list(value.items()))


register(weakref.ref, _reduce_reference)
register(weakref.WeakMethod, _reduce_method)
register(weakref.ProxyType, _reduce_proxy)
register(weakref.CallableProxyType, _reduce_proxy)
register(weakref.WeakValueDictionary, _reduce_dictionary)
register(weakref.WeakKeyDictionary, _reduce_dictionary)
