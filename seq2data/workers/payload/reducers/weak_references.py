"""Weak references: a worker's reference refers to a copy of the target.

The target of a reference in the source may be held by the program alone, as a global of
the script or a model. It was alive when it was sent. So its copy is kept alive until
the worker loads another version of the source, also if the source drops it there.
Callbacks and `finalize` are not sent.
"""

from __future__ import annotations

import weakref
from typing import Any

from seq2data.workers.payload.reducers.instances import restore, state_of
from seq2data.workers.payload.reducers.names import register_place
from seq2data.workers.payload.registry import Recipe, register

_alive: list[Any] = []


def release_targets() -> None:
    """Releases the targets of the references of an earlier version."""
    _alive.clear()


class _DeadTarget:
    """The target for dead references."""

    def method(self) -> None:
        """Serves as the target of a dead `WeakMethod`."""

    def __call__(self) -> None:
        """Makes a proxy of this object callable."""


def _base_of(kind: type) -> Any:
    return weakref.WeakMethod if issubclass(kind, weakref.WeakMethod) else weakref.ref


def _make_reference(kind: Any, target: Any) -> Any:
    _alive.append(target)
    return _base_of(kind).__new__(kind, target)


def _make_dead_reference(kind: Any) -> Any:
    dead = _DeadTarget()
    target = dead.method if _base_of(kind) is weakref.WeakMethod else dead
    reference = _base_of(kind).__new__(kind, target)
    weakref.ref.__hash__(reference)  # it is stored: a dead reference may be a key
    return reference


def _reduce_reference(value: Any) -> tuple[Any, ...]:
    target, kind = value(), type(value)
    if target is None:
        recipe: Recipe = (_make_dead_reference, (kind,))
    else:
        recipe = (_make_reference, (kind, target))
    return *recipe, state_of(value, _base_of(kind)), None, None, restore


def _make_proxy(target: Any) -> Any:
    _alive.append(target)
    return weakref.proxy(target)


class _NotCallable:
    """The target for dead proxies that are not callable."""


def _make_dead_proxy(is_callable: bool) -> Any:
    return weakref.proxy(_DeadTarget() if is_callable else _NotCallable())


def _reduce_proxy(value: Any) -> Recipe:
    # A proxy forwards each attribute: its methods are bound to the target.
    try:
        method: Any = value.mro if isinstance(value, type) else value.__reduce_ex__
    except ReferenceError:
        return _make_dead_proxy, (type(value) is weakref.CallableProxyType,)
    return _make_proxy, (method.__self__,)


# The items come later: they may refer to the object that holds the container.
def _make(base: Any, kind: type) -> Any:
    made: Any = object.__new__(kind)
    base.__init__(made)
    return made


def _attributes(value: Any, base: Any) -> dict[str, Any]:
    """Returns the attributes that a subclass has set."""
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


# In Python 3.9 the `__module__` of this class is another.
register_place(weakref.ref, "weakref", "ref")
register(weakref.ref, _reduce_reference)
register(weakref.ProxyType, _reduce_proxy)
register(weakref.CallableProxyType, _reduce_proxy)
register(weakref.WeakValueDictionary, _reduce_dictionary)
register(weakref.WeakKeyDictionary, _reduce_dictionary)
register(weakref.WeakSet, _reduce_set)
