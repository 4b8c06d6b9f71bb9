"""Reads the contents of instances without calling their code, and makes copies."""

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any, Optional

# CPython's flag of classes that a `class` statement has made.
_IS_HEAP_TYPE = 1 << 9
# They hold nothing, or `__getnewargs__` returns it.
_PLAIN = (object, int, float, complex, str, bytes, tuple)

# The contents of the `__dict__`, and of the slots.
State = tuple[dict[str, Any], dict[str, Any]]


def reduce_instance(value: Any) -> Optional[tuple[Any, ...]]:
    """Returns what an instance is reduced to, without its `__reduce__` and `__new__`.

    None if C code holds contents that Python cannot read.
    """
    kind = type(value)
    base = plain_base(kind)
    if base is None:
        return None
    args = base, kind, *contents(value, base)
    return make, args, state_of(value, base), None, None, restore


def plain_base(kind: type) -> Any:
    """Returns the built-in type that a class derives from, None if it is not plain."""
    base = next(base for base in kind.__mro__ if not base.__flags__ & _IS_HEAP_TYPE)
    return base if base in _PLAIN else None


def contents(value: Any, base: Any) -> tuple[Any, ...]:
    """Returns the arguments that the plain base of a class is made with."""
    return () if base is object else tuple(base.__getnewargs__(value))


def make(base: Any, kind: type, *args: Any) -> Any:
    """Makes an instance without calling code of its class."""
    return base.__new__(kind, *args)


def state_of(value: Any, base: type = object) -> Optional[State]:
    """Returns what an instance holds, None if it holds nothing.

    Args:
        value: The instance.
        base: A base of its class, whose slots are left out.
    """
    attributes = dict(getattr(value, "__dict__", ()))
    slots: dict[str, Any] = {}
    kinds = type(value).__mro__
    for kind in kinds[: kinds.index(base)]:
        for name, slot in vars(kind).items():
            if isinstance(slot, MemberDescriptorType):
                try:
                    slots.setdefault(name, slot.__get__(value))
                except AttributeError:  # the slot is empty
                    continue
    return (attributes, slots) if attributes or slots else None


def restore(value: Any, state: State) -> None:
    """Gives an instance its state, without calling its `__setattr__`."""
    attributes, slots = state
    if attributes:
        value.__dict__.update(attributes)
    for name, content in slots.items():
        # cloudpickle sends a class without its slots: its instances have a `__dict__`.
        object.__setattr__(value, name, content)
