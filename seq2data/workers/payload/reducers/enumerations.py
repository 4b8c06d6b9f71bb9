"""Enumerations that are sent with their users, and their members.

A member is what its class has made of its value: the class's `__new__` and `__init__`
need not make the same of the value that it has by now. So members are made without
them and have what they had, and the class has the tables that it had.
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

# A worker has one class for all versions of the source, as cloudpickle has of others.
_identities: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_classes: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
_NOT_SENT = ("__dict__", "__weakref__")


def is_enumeration(kind: type) -> bool:
    """True for an enumeration whose members can be made anew."""
    return issubclass(kind, Enum) and plain_base(kind) is not None


def reduced(kind: Any) -> tuple[Any, ...]:
    """Returns how a worker makes an enumeration."""
    identity = _identities.setdefault(kind, uuid.uuid4().hex)
    names = {name: getattr(kind, name) for name in ("__module__", "__qualname__")}
    args = (identity, definition(kind), kind.__name__, kind.__bases__, names)
    state = {k: v for k, v in vars(kind).items() if k not in _NOT_SENT}
    # A flag keeps combinations in it that have been asked for.
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
    """True for a member that has a name, False for a combination of flags."""
    return type(value).__members__.get(value._name_) is value


def reduced_member(value: Any) -> tuple[Any, ...]:
    """Returns how a worker makes a member, or finds it where it has the class."""
    kind = type(value)
    base = plain_base(kind)
    args = value._name_, base, kind, *contents(value, base)
    # A flag keeps what it is not, once that has been asked for.
    attributes = {k: v for k, v in vars(value).items() if k != "_inverted_"}
    return _make_member, args, (attributes, {}), None, None, restore


def _make_member(name: str, base: Any, kind: Any, *args: Any) -> Any:
    known = vars(kind).get("_member_map_", {}).get(name)
    return make(base, kind, *args) if known is None else known
