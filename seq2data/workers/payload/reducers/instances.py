"""Instances: what they hold, whatever they say of it, and copies that have it."""

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any, Optional

# Set for classes that were made by a `class` statement.
_IS_HEAP_TYPE = 1 << 9
# Nothing is in them, or `__getnewargs__` says what.
_PLAIN = (object, int, float, complex, str, bytes, tuple)

# What is in the `__dict__`, and in slots.
State = tuple[dict[str, Any], dict[str, Any]]


def made_anew(value: Any) -> Optional[tuple[Any, ...]]:
    """Returns a recipe that asks neither `__reduce__` nor `__new__`.

    None if the object is of C code that keeps what it holds to itself.
    """
    kind = type(value)
    base = plain_base(kind)
    if base is None:
        return None
    args = base, kind, *contents(value, base)
    return make, args, state_of(value, base), None, None, restore


def plain_base(kind: type) -> Any:
    """Returns Python's type that a class is made of, None if it is no plain one."""
    base = next(base for base in kind.__mro__ if not base.__flags__ & _IS_HEAP_TYPE)
    return base if base in _PLAIN else None


def contents(value: Any, base: Any) -> tuple[Any, ...]:
    """Returns what the plain base of a class is made from."""
    return () if base is object else tuple(base.__getnewargs__(value))


def make(base: Any, kind: type, *args: Any) -> Any:
    """Makes an instance without calling code of its class."""
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
    for name, content in slots.items():
        # Classes that were sent have no slots, and their instances a `__dict__`.
        object.__setattr__(value, name, content)
