"""Finds what is inside of an object, without running the user's code.

Each type has functions that look into it: into attributes, slots, items of a container,
and what a function refers to. Objects that are large, or from which all of a program
can be reached, are left out.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Callable

import wrapt

from seq2data.source.user_modules import is_users_own

_PLAIN = {type(None), bool, int, float, complex, str, bytes, bytearray, range, slice}
# By identity: a metaclass may have made its classes unhashable.
_PLAIN_IDS = set(map(id, _PLAIN))
# Their objects are large or refer to all of a program, and hold no generators.
_CLOSED_MODULES = (
    *("concurrent", "logging", "multiprocessing", "threading"),
    *("matplotlib", "pandas"),
)
_FRAMEWORKS = ("keras", "tensorflow", "tf_keras", "torch")
# Layers, models, variables and tensors; Keras's image iterators are none of these.
_CLOSED_BASES = ("Layer", "Tensor", "Trackable", "Variable")

# In wrapt 2 `ObjectProxy` has a base class.
_PROXY: Any = getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy)

Step = tuple[bool, Any]
"""True for an item, False for an attribute; and its key or name."""
Parts = Iterable[tuple[tuple[Step, ...], Any]]
"""The objects inside of an object, each with the steps that lead to it."""
Look = Callable[[Any], Parts]


def looks_of(kind: type) -> Iterator[Look]:
    """Yields the functions that look into objects of a type."""
    if _is_closed(kind):
        if hasattr(kind, "python_function"):  # made by `tf.function`
            yield functools.partial(_named, ("python_function",))
        return
    for base, look in _LOOKS.items():
        if issubclass(kind, base):
            yield look
    if issubclass(kind, (type, ModuleType)):
        return
    if kind.__dictoffset__:
        yield _attributes
    slots = tuple(_slots_of(kind))
    if slots:
        yield functools.partial(_slots, slots)


def _is_closed(kind: type) -> bool:
    root = _root(kind)
    return root in _CLOSED_MODULES or (
        root in _FRAMEWORKS
        and any(
            base.__name__ in _CLOSED_BASES and _root(base) in _FRAMEWORKS
            for base in kind.__mro__
        )
    )


def _root(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _is_plain(value: Any) -> bool:
    """True if the value cannot contain a generator."""
    kind = type(value)
    if kind is dict:
        return _has_plain_only(value.values())
    is_sequence = kind is list or kind is tuple
    return id(kind) in _PLAIN_IDS or (is_sequence and _has_plain_only(value))


def _has_plain_only(values: Iterable[Any]) -> bool:
    try:
        return set(map(type, values)) <= _PLAIN
    except TypeError:  # one of the types is unhashable
        return False


def _attributes(value: Any) -> Parts:
    try:
        values = object.__getattribute__(value, "__dict__")
    except AttributeError:  # a proxy of an object that has none
        return ()
    return _of_mapping(values, is_item=False) if isinstance(values, dict) else ()


def _slots_of(kind: type) -> Iterator[Any]:
    for base in kind.__mro__:
        if "__slots__" in vars(base):  # without it the descriptors belong to C code
            for slot in vars(base).values():
                if isinstance(slot, MemberDescriptorType):
                    yield slot


def _slots(slots: tuple[Any, ...], value: Any) -> Parts:
    for slot in slots:
        try:
            part = slot.__get__(value)
        except AttributeError:  # the slot is empty
            continue
        if not _is_plain(part):
            yield ((False, slot.__name__),), part


def _named(names: Iterable[str], value: Any) -> Parts:
    for name in names:
        part = getattr(value, name)
        if part is not None:
            yield ((False, name),), part


def _items(iterate: Callable[[Any], Iterable[Any]], value: Any) -> Parts:
    if _has_plain_only(iterate(value)):
        return
    items = list(iterate(value))
    for place in _places(items):
        yield ((True, place),), items[place]


def _of_mapping(value: Any, *, is_item: bool) -> Parts:
    if _has_plain_only(dict.values(value)):
        return
    items = list(dict.items(value))
    for place in _places([item for _, item in items]):
        key, item = items[place]
        yield ((is_item, key),), item


def _places(items: list[Any]) -> Iterator[int]:
    """Yields the positions of the items that may contain a generator."""
    try:
        for place, is_plain in enumerate(map(_PLAIN.__contains__, map(type, items))):
            if not (is_plain or _is_plain(items[place])):
                yield place
    except TypeError:
        yield from range(len(items))


def _in_cell(cell: CellType) -> Parts:
    with contextlib.suppress(ValueError):  # the cell is empty
        yield ((False, "cell_contents"),), cell.cell_contents


def _in_builtin(function: Any) -> Parts:
    if not isinstance(function.__self__, (ModuleType, type(None))):
        yield ((False, "__self__"),), function.__self__


def _in_function(function: FunctionType) -> Parts:
    yield from _named(("__closure__", "__defaults__", "__kwdefaults__"), function)
    scope = function.__globals__
    module = sys.modules.get(scope.get("__name__", ""))
    if module is not None and is_users_own(module):
        names = set(_names_in(function.__code__))
        start = (False, "__globals__")
        for name in sorted(names & scope.keys()):
            yield from _in_global((start, (True, name)), scope[name], names, set())


def _names_in(code: CodeType) -> Iterator[str]:
    """Yields the names of globals and attributes, also of inner functions."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _in_global(
    steps: tuple[Step, ...], value: Any, names: set[str], seen: set[int]
) -> Parts:
    """Yields a global; for a module of the user's its globals with these names."""
    if not isinstance(value, ModuleType):
        yield steps, value
    elif id(value) not in seen and is_users_own(value):
        seen.add(id(value))
        for name in sorted(names & vars(value).keys()):
            inner = (*steps, (False, name))
            yield from _in_global(inner, vars(value)[name], names, seen)


def _in_class(kind: type) -> Parts:
    module = sys.modules.get(kind.__module__)
    if module is None or not is_users_own(module):
        return
    yield ((False, "__bases__"),), kind.__bases__
    for name, part in list(vars(kind).items()):
        if isinstance(part, staticmethod):
            yield ((False, name),), part.__func__
        elif isinstance(part, classmethod):
            yield ((False, name), (False, "__func__")), part.__func__
        else:
            yield ((False, name),), part


_LOOKS: dict[Any, Look] = {
    list: functools.partial(_items, list.__iter__),
    tuple: functools.partial(_items, tuple.__iter__),
    deque: functools.partial(_items, deque.__iter__),
    set: functools.partial(_items, set.__iter__),
    frozenset: functools.partial(_items, frozenset.__iter__),
    dict: functools.partial(_of_mapping, is_item=True),
    functools.partial: functools.partial(_named, ("func", "args", "keywords")),
    property: functools.partial(_named, ("fget", "fset", "fdel")),
    _PROXY: functools.partial(_named, ("__wrapped__",)),
    MethodType: functools.partial(_named, ("__self__", "__func__")),
    BuiltinMethodType: _in_builtin,
    CellType: _in_cell,
    FunctionType: _in_function,
    type: _in_class,
}
