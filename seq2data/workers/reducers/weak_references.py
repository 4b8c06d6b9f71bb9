"""Weak references: to the copy of what they refer to, which lives with the source.

What a reference of the source's refers to may be held by the program alone: a global of
the script, a model. It was alive when it was sent, so its copy is kept alive until the
worker loads another version of the source. Callbacks stay in the parent.
"""

from __future__ import annotations

import weakref
from typing import Any, Optional

from seq2data.workers.reducers.registry import Recipe, register

_alive: list[Any] = []


def let_go() -> None:
    """Keeps no longer alive what the references of an earlier version refer to."""
    _alive.clear()


class _Gone:
    """What a dead reference referred to."""


# Python 3.9 cannot import `weakref.ref` by the name that the class says it has.
def _refer(kind: Any, target: Any) -> Any:
    _alive.append(target)
    return (kind or weakref.ref)(target)


def _dead(kind: Any) -> Any:
    return (kind or weakref.ref)(_Gone())


def _refer_to_method(method: Any) -> Any:
    _alive.append(method.__self__)
    return weakref.WeakMethod(method)


def _dead_method() -> Any:
    return weakref.WeakMethod(_Gone().__init__)  # type: ignore[misc]  # only its owner counts


def _stand_for(target: Any) -> Any:
    _alive.append(target)
    return weakref.proxy(target)


def _reduce_reference(value: Any) -> tuple[Any, ...]:
    target, kind = value(), type(value)
    own = None if kind is weakref.ref else kind
    recipe = (_dead, (own,)) if target is None else (_refer, (own, target))
    return (*recipe, vars(value)) if getattr(value, "__dict__", None) else recipe


def _reduce_method(value: Any) -> Recipe:
    method = value()
    return (_dead_method, ()) if method is None else (_refer_to_method, (method,))


def _reduce_proxy(value: Any) -> Optional[Recipe]:
    # A proxy passes every question on, also this one.
    return _stand_for, (value.__reduce_ex__.__self__,)


# Their items come later: they may refer to who holds the container.
def _reduce_dictionary(value: Any) -> tuple[Any, ...]:
    return type(value), (), list(value.items()), None, None, _fill_dictionary


def _fill_dictionary(dictionary: Any, items: list[tuple[Any, Any]]) -> None:
    _alive.extend(items)
    dictionary.update(items)


def _reduce_set(value: Any) -> tuple[Any, ...]:
    return type(value), (), list(value), None, None, _fill_set


def _fill_set(weak_set: Any, items: list[Any]) -> None:
    _alive.extend(items)
    weak_set.update(items)


register(weakref.ref, _reduce_reference)
register(weakref.WeakMethod, _reduce_method)
register(weakref.ProxyType, _reduce_proxy)
register(weakref.CallableProxyType, _reduce_proxy)
register(weakref.WeakValueDictionary, _reduce_dictionary)
register(weakref.WeakKeyDictionary, _reduce_dictionary)
register(weakref.WeakSet, _reduce_set)
