"""Wrapped classes: calling one gives a dataset, and in all else it is the class.

A class names itself inside its own code: `super(MySequence, self)`, `MySequence.SCALE`.
After `MySequence = wrap(MySequence)` that name means what `wrap` has returned, also in
code that was compiled before. `super` takes only a class that the instance's class
inherits from, so `wrap` makes one: the *stand-in*, which is empty and comes between the
class and its bases.

    class MySequence(Sequence)     before
    class MySequence(stand-in)     after; it is the same class object
    class stand-in(Sequence)       has the name MySequence, and takes all attributes
                                   from it

Python does not allow a new base for a class whose only base is `object`. Instances that
are made through such a stand-in are of a class that inherits from both.

Nothing here imports TensorFlow: workers need the metaclass of classes that inherit from
a wrapped one.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import Any, Optional, cast

from seq2data.pipeline.class_boundary import (
    ConvertingMethod,
    InstanceDataset,
    call_from_outside,
)
from seq2data.source.own_code import own_code
from seq2data.source.wrapped import WRAPPED, wrapped_by
from seq2data.workers.payload.by_value import is_importable
from seq2data.workers.payload.registry import Recipe, register

_OPTIONS = "__seq2data_options__"
# On classes whose only base is `object`: their stand-ins, and the class that is made.
_STAND_INS = "__seq2data_stand_ins__"
_MADE = "__seq2data_made__"
_BASES = "__orig_bases__"  # by these classes are pickled
# These attributes are the stand-in's own; all others are the class's.
_DATA = (WRAPPED, _OPTIONS, _BASES)
_OWN = frozenset((*_DATA, "__class__", "__bases__", "__base__", "__dict__"))
_IS_MADE_IN_PYTHON = 1 << 9  # Py_TPFLAGS_HEAPTYPE


class WrappedClass(type):
    """The metaclass of classes that inherit from a wrapped one.

    The program gets a dataset by calling such a class; its own code gets an instance.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return call_from_outside(super().__call__, cls, None, args, kwargs)

    def __getattribute__(cls, name: str) -> Any:
        return _as_seen(cls, name, super().__getattribute__(name))

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(_instance_of(instance))

    @property
    def __signature__(cls) -> inspect.Signature:
        """The constructor's signature; `inspect` would take the one of `__call__`."""
        names = ("__init__", "__new__")
        maker = next(
            m for n in names if (m := getattr(cls, n)) is not getattr(object, n)
        )
        _, *parameters = inspect.signature(maker).parameters.values()
        return inspect.Signature(parameters)


class StandIn(WrappedClass):
    """The metaclass of what `wrap` returns."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        **kwargs: Any,
    ) -> Any:
        """Makes a class that inherits from a wrapped one: from the class itself."""
        wrapped = [base for base in bases if isinstance(base, StandIn)]
        if not wrapped:  # cloudpickle makes a stand-in as it makes any class
            return stand_in(bases[0], {})
        namespace.setdefault(_OPTIONS, getattr(wrapped[0], _OPTIONS))
        makers = tuple(
            _class_made_by(b) if isinstance(b, StandIn) else b for b in bases
        )
        metaclass, _, _ = types.prepare_class(name, makers)
        return _inheriting(WrappedClass, metaclass)(name, makers, namespace, **kwargs)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return call_from_outside(_class_made_by(cls), cls, None, args, kwargs)

    def __getattribute__(cls, name: str) -> Any:
        if name in _OWN:
            return type.__getattribute__(cls, name)
        wrapped = type.__getattribute__(cls, WRAPPED)
        if name == "__wrapped__":
            return wrapped
        if name == "__mro__":
            return (cls, *(base for base in wrapped.__mro__ if base is not cls))
        if name == "__class_getitem__":
            return inspect.getattr_static(wrapped, name).__get__(None, cls)
        if name.startswith("__"):
            return getattr(wrapped, name)
        return _as_seen(cls, name, getattr(_class_made_by(cls), name))

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in _DATA:
            type.__setattr__(cls, name, value)
        else:
            setattr(getattr(cls, WRAPPED), name, value)

    def __delattr__(cls, name: str) -> None:
        delattr(getattr(cls, WRAPPED), name)

    def __dir__(cls) -> list[str]:
        return dir(getattr(cls, WRAPPED))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(_instance_of(instance), getattr(cls, WRAPPED))

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(wrapped_by(subclass) or subclass, getattr(cls, WRAPPED))

    def __eq__(cls, other: object) -> bool:
        return (wrapped_by(other) or other) is getattr(cls, WRAPPED)

    # Not the class's: pickle and `typing` keep classes apart in dictionaries.
    __hash__ = type.__hash__

    def mro(cls) -> list[type]:
        """Returns the order of bases.

        `__init_subclass__` of the bases is not called for a class that the user has
        not written.
        """
        first, *others = super().mro()
        is_new = "__slots__" in type.__getattribute__(cls, "__dict__")
        return [first, _NoInitSubclass, *others] if is_new else [first, *others]


class _NoInitSubclass:
    """Comes before the bases of a stand-in while it is made."""

    __slots__ = ()

    def __init_subclass__(cls, **_: Any) -> None:
        """Does nothing."""


@functools.cache
def _inheriting(kind: type, metaclass: type) -> Any:
    """Returns `kind` as a metaclass for classes that have one of their own."""
    if issubclass(kind, metaclass):
        return kind
    if issubclass(metaclass, kind):
        return metaclass
    name = f"{kind.__name__}Of{metaclass.__name__}"
    return types.new_class(name, (kind, metaclass))


def _instance_of(value: Any) -> Any:
    return value.source if isinstance(value, InstanceDataset) else value


def _as_seen(owner: type, name: str, value: Any) -> Any:
    """Returns an attribute of a class as the code that reads it needs it."""
    if own_code.is_running or name.startswith("__"):
        return value
    found = inspect.getattr_static(wrapped_by(owner) or owner, name, None)
    if isinstance(found, (classmethod, staticmethod)) and callable(value):
        return ConvertingMethod(owner, name, value, owner)
    return value


def stand_in(wrapped: type, options: dict[str, Any]) -> Any:
    """Makes what `wrap` returns.

    Args:
        wrapped: The class.
        options: Keyword arguments of `to_dataset`.
    """
    namespace: dict[str, Any] = {
        **_names(wrapped),
        "__slots__": (),  # or its layout would not be that of the bases
        _OPTIONS: options,
        _BASES: (wrapped,),
    }
    metaclass = _inheriting(StandIn, type(wrapped))
    # Not by calling the metaclass: the user's may count or check its classes.
    made = type.__new__(metaclass, wrapped.__name__, wrapped.__bases__, namespace)
    type.__delattr__(made, "__slots__")
    type.__setattr__(made, "__bases__", wrapped.__bases__)  # calls `mro` again
    if wrapped.__flags__ & _IS_MADE_IN_PYTHON and not _put_under(made, wrapped):
        others = vars(wrapped).get(_STAND_INS, ())
        type.__setattr__(wrapped, _STAND_INS, (*others, made))
    return made


def _names(wrapped: type) -> dict[str, Any]:
    names = {name: getattr(wrapped, name) for name in ("__module__", "__doc__")}
    return {**names, "__qualname__": wrapped.__qualname__, WRAPPED: wrapped}


def _put_under(made: type, wrapped: type) -> bool:
    """Makes a stand-in the only base of its class; True if Python allows it.

    The stand-in has the bases that the class had.
    """
    bases = wrapped.__bases__
    try:
        type.__setattr__(wrapped, "__bases__", (made,))
    except TypeError:  # its bases are not made in Python
        return False
    if _BASES not in vars(wrapped):
        type.__setattr__(wrapped, _BASES, bases)
    return True


def _class_made_by(made: Any) -> type:
    """Returns the class of the instances that a stand-in makes.

    It is the wrapped one, or inherits from it and from the stand-ins that could not be
    put under it and under its bases.
    """
    wrapped: type = getattr(made, WRAPPED)
    missing = [s for base in wrapped.__mro__ for s in vars(base).get(_STAND_INS, ())]
    if not missing:
        return wrapped
    known: Any = vars(wrapped).get(_MADE)
    if known is None or len(known.__bases__) != 1 + len(missing):
        known = _class_of_both(wrapped, missing)
        type.__setattr__(wrapped, _MADE, known)
    return cast(type, known)


def _class_of_both(wrapped: type, missing: list[Any]) -> type:
    namespace = {**_names(wrapped), _BASES: (wrapped,)}
    if "__slots__" in vars(wrapped):
        namespace["__slots__"] = ()
    kind: Any = type(wrapped)
    both: type = type.__new__(kind, wrapped.__name__, (wrapped,), namespace)
    # Set afterwards, because they have different metaclasses.
    type.__setattr__(both, "__bases__", (wrapped, *missing))
    return both


def as_it_is(value: Any) -> Any:
    """Returns its argument; pickles call it when they are loaded."""
    return value


def _reduce(kind: type) -> Optional[Recipe]:
    """Sends the wrapped class instead of its stand-in: workers need no `wrap`."""
    wrapped = wrapped_by(kind)
    if wrapped is not None:
        is_by_name = isinstance(kind, StandIn) and _is_found_by_name(kind)
        return None if is_by_name else (as_it_is, (wrapped,))
    found = _found_by_name(kind)
    if isinstance(found, StandIn) and found == kind and _is_found_by_name(found):
        return as_it_is, (found,)  # there it is the class itself: see `wrap`
    return None


def _found_by_name(kind: type) -> Any:
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        owner = wrapped_by(found) or found
        found = vars(owner).get(name) if hasattr(owner, "__dict__") else None
    return found


def _is_found_by_name(kind: type) -> bool:
    """True if a worker can import the class by its name."""
    name = kind.__module__
    if name == "__main__" or _found_by_name(kind) is not kind:
        return False
    root = name.partition(".")[0]
    return is_importable(root if root in sys.modules else name)


register(type, _reduce)
