"""Weak references: to the copy of what they refer to, which lives with the source.

What a reference of the source's refers to may be held by the program alone: a global of
the script, a model. It was alive when it was sent, so its copy is kept alive until the
worker loads another version of the source, also if the source lets go of it there.
Callbacks and `finalize` stay in the parent.
"""

from __future__ import annotations

import weakref
from typing import Any

from seq2data.workers.payload.reducers.instances import restore, state_of
from seq2data.workers.payload.reducers.names import register_place
from seq2data.workers.payload.registry import Recipe, register

_alive: list[Any] = []


def let_go() -> None:
    """Keeps no longer alive what the references of an earlier version refer to."""
    _alive.clear()


class _Gone:
    """What a dead reference referred to."""

    def method(self) -> None:
        """Is what a dead `WeakMethod` referred to."""

    def __call__(self) -> None:
        """Makes a proxy of this a callable one."""


def _base_of(kind: type) -> Any:
    return weakref.WeakMethod if issubclass(kind, weakref.WeakMethod) else weakref.ref


def _refer(kind: Any, target: Any) -> Any:
    _alive.append(target)
    return _base_of(kind).__new__(kind, target)


def _refer_to_none(kind: Any) -> Any:
    gone = _Gone()
    target = gone.method if _base_of(kind) is weakref.WeakMethod else gone
    reference = _base_of(kind).__new__(kind, target)
    weakref.ref.__hash__(reference)  # as a key it has a hash, which it keeps
    return reference


def _reduce_reference(value: Any) -> tuple[Any, ...]:
    target, kind = value(), type(value)
    recipe = (_refer_to_none, (kind,)) if target is None else (_refer, (kind, target))
    return *recipe, state_of(value, _base_of(kind)), None, None, restore


def _stand_for(target: Any) -> Any:
    _alive.append(target)
    return weakref.proxy(target)


class _NotCallable:
    """What a dead proxy that is not callable stood for."""


def _stand_for_none(is_callable: bool) -> Any:
    return weakref.proxy(_Gone() if is_callable else _NotCallable())


def _reduce_proxy(value: Any) -> Recipe:
    # A proxy passes every question on: a method that it has is its object's.
    try:
        method: Any = value.mro if isinstance(value, type) else value.__reduce_ex__
    except ReferenceError:
        return _stand_for_none, (type(value) is weakref.CallableProxyType,)
    return _stand_for, (method.__self__,)


# What is in them comes later: it may refer to who holds the container.
def _make(base: Any, kind: type) -> Any:
    made: Any = object.__new__(kind)
    base.__init__(made)
    return made


def _attributes(value: Any, base: Any) -> dict[str, Any]:
    """Returns those that a subclass has set."""
    return {k: v for k, v in vars(value).items() if k not in vars(base())}


def _reduce_dictionary(value: Any) -> tuple[Any, ...]:
    of_values = isinstance(value, weakref.WeakValueDictionary)
    base: Any = weakref.WeakValueDictionary if of_values else weakref.WeakKeyDictionary
    state = base, _attributes(value, base), list(base.items(value))
    return _make, (base, type(value)), state, None, None, _fill_dictionary


def _fill_dictionary(dictionary: Any, state: tuple[Any, Any, list[Any]]) -> None:
    base, attributes, items = state
    vars(dictionary).update(attributes)
    _alive.extend(items)
    for key, item in items:
        base.__setitem__(dictionary, key, item)


def _reduce_set(value: Any) -> tuple[Any, ...]:
    items = list(weakref.WeakSet.__iter__(value))
    state = _attributes(value, weakref.WeakSet), items
    return _make, (weakref.WeakSet, type(value)), state, None, None, _fill_set


def _fill_set(weak_set: Any, state: tuple[Any, list[Any]]) -> None:
    attributes, items = state
    vars(weak_set).update(attributes)
    _alive.extend(items)
    for item in items:
        weakref.WeakSet.add(weak_set, item)


# In Python 3.9 the class says that it is elsewhere.
register_place(weakref.ref, "weakref", "ref")
register(weakref.ref, _reduce_reference)
register(weakref.ProxyType, _reduce_proxy)
register(weakref.CallableProxyType, _reduce_proxy)
register(weakref.WeakValueDictionary, _reduce_dictionary)
register(weakref.WeakKeyDictionary, _reduce_dictionary)
register(weakref.WeakSet, _reduce_set)
