"""Enumerations that are sent by value, and their members.

The class has made each member of a value, by its `__new__` and `__init__`. With the
value that the member has now, these may make another member. So members are made
without them and get the attributes that they had, and the class gets its tables.
"""

from __future__ import annotations

import uuid
import weakref
from enum import Enum
from typing import Any

from seq2data.workers.payload.reducers.classes import define, definition
from seq2data.workers.payload.reducers.instances import (
    contents,
    make,
    plain_base,
    restore,
)

# A worker has one class for all versions of the source, as cloudpickle does for others.
_identities: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_classes: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_NOT_SENT = ("__dict__", "__weakref__")


def is_enumeration(kind: type) -> bool:
    """True if a class is an enumeration whose members can be made without its code."""
    return issubclass(kind, Enum) and plain_base(kind) is not None


def reduce_enumeration(kind: Any) -> tuple[Any, ...]:
    """Returns what an enumeration is reduced to."""
    identity = _identities.setdefault(kind, uuid.uuid4().hex)
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__")}
    args = (identity, definition(kind), kind.__name__, kind.__bases__, names)
    state = {k: v for k, v in vars(kind).items() if k not in _NOT_SENT}
    # In this table, a flag also keeps the combinations that the program has used.
    members = set(map(id, kind.__members__.values()))
    by_value = vars(kind).get("_value2member_map_", {})
    state["_value2member_map_"] = {
        value: member for value, member in by_value.items() if id(member) in members
    }
    return _make, args, state, None, None, _fill


def _make(
    identity: str,
    how: tuple[Any, ...],
    name: str,
    bases: tuple[type, ...],
    names: dict[str, Any],
) -> Any:
    if identity not in _classes:
        metaclass, _, hooked = how
        _classes[identity] = made = define(metaclass, type, hooked, name, bases, names)
        return made
    return _classes[identity]


def _fill(kind: Any, state: dict[str, Any]) -> None:
    for name, value in state.items():
        type.__setattr__(kind, name, value)


def is_member(value: Any) -> bool:
    """True if a value of an enumeration has a name; a combination of flags has none."""
    return type(value).__members__.get(value._name_) is value


def reduce_member(value: Any) -> tuple[Any, ...]:
    """Returns what a member is reduced to; a worker with the class takes its member."""
    kind = type(value)
    base = plain_base(kind)
    args = value._name_, base, kind, *contents(value, base)
    # A flag keeps its inverse here, once the program has used it.
    attributes = {k: v for k, v in vars(value).items() if k != "_inverted_"}
    return _make_member, args, (attributes, {}), None, None, restore


def _make_member(name: str, base: Any, kind: Any, *args: Any) -> Any:
    known = vars(kind).get("_member_map_", {}).get(name)
    return make(base, kind, *args) if known is None else known
