"""Instances: what they hold, whatever they say of it, and copies that have it."""

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any, Optional

# Set for classes that were made by a `class` statement.
_IS_HEAP_TYPE = 1 << 9
_PLAIN = (object, int, float, complex, str, bytes, tuple, frozenset)

# What is in the `__dict__`, and in slots.
State = tuple[dict[str, Any], dict[str, Any]]


def made_anew(value: Any) -> Optional[tuple[Any, ...]]:
    """Returns a recipe that asks neither `__reduce__` nor `__new__`.

    None if the object is of C code that keeps what it holds to itself.
    """
    kind = type(value)
    base = next(base for base in kind.__mro__ if not base.__flags__ & _IS_HEAP_TYPE)
    if base not in _PLAIN:
        return None
    args = () if base is object else (base(value),)
    return _make, (base, kind, *args), state_of(value, base), None, None, restore


def _make(base: Any, kind: type, *args: Any) -> Any:
    return base.__new__(kind, *args)


def state_of(value: Any, base: type = object) -> Optional[State]:
    """Returns what an instance holds, None if that is nothing.

    Args:
        value: The instance.
        base: A base of its class, whose own slots are not looked at.
    """
    attributes = dict(getattr(value, "__dict__", ()))
    slots: dict[str, Any] = {}
    kinds = type(value).__mro__
    for kind in kinds[: kinds.index(base)]:
        for name, slot in vars(kind).items():
            if isinstance(slot, MemberDescriptorType):
                try:
                    slots.setdefault(name, slot.__get__(value))
                except AttributeError:  # nothing in the slot
                    continue
    return (attributes, slots) if attributes or slots else None


def restore(value: Any, state: State) -> None:
    """Gives an instance its state, whatever it does when attributes are set."""
    attributes, slots = state
    if attributes:
        value.__dict__.update(attributes)
    for kind in type(value).__mro__:
        for name in slots.keys() & vars(kind).keys():
            vars(kind)[name].__set__(value, slots[name])
