"""Names the part of a source that cannot be sent, the reason, and what to do about it.

The source is pickled once more by a pickler written in Python, which records the
objects that it is inside of. It stops where the first pickler stopped, and calls only
what pickle calls.
"""

from __future__ import annotations

import io
import pickle
import reprlib
import weakref
from collections.abc import Sequence
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any, Optional

from seq2data.workers.payload.by_value import ByValue
from seq2data.workers.payload.pickler import SourcePickler

_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray)
# pickle makes some of these to hold the parts of an object; others are the user's own.
_HOLDERS = (dict, tuple, list)
_MOST_CHARACTERS = 300


def explain(source: Any, error: Exception) -> str:
    """Returns the message for a source that pickle refused with `error`."""
    trail = _trail(source)
    place, refused = _place(source, trail), trail[-1]
    kind = f"{type(refused).__module__}.{type(refused).__qualname__}"
    return (
        f"`{place}`, a `{kind}`, cannot be sent to worker processes ({error}). "
        "Leave it out in `__getstate__` and make it again in `__setstate__`; or keep "
        "a factory, a function that makes it, and call that at the first use in "
        "`__getitem__`; or register how objects of this type are made with "
        "`seq2data.register_reducer`; or pass `use_multiprocessing=False` to read in "
        "threads"
    )


_PythonPickler: Any = pickle._Pickler


class _Tracer(_PythonPickler):  # type: ignore[misc]  # typeshed does not know `save`
    """A pickler that writes nothing.

    Attributes:
        trail: The objects that it is inside of, from the source on.
    """

    dispatch_table = SourcePickler.dispatch_table

    def __init__(self, pickler: SourcePickler) -> None:
        super().__init__(io.BytesIO(), 5, buffer_callback=lambda _: False)
        self.reducer_override = pickler.reducer_override
        self.trail: list[Any] = []

    def save(self, value: Any, *args: Any, **kwargs: Any) -> None:
        if type(value) in _PLAIN:  # there may be a million of them
            return
        self.trail.append(value)
        super().save(value, *args, **kwargs)
        self.trail.pop()


def _trail(source: Any) -> list[Any]:
    with ByValue() as by_value:
        pickler = SourcePickler(io.BytesIO(), lambda _: False, by_value)
        tracer = _Tracer(pickler)
        try:
            tracer.dump(source)
        except Exception:  # noqa: BLE001  # the caller reports the first pickler's error
            return tracer.trail
    return [source]  # this time it was pickled


def _place(source: Any, trail: Sequence[Any]) -> str:
    """Returns the path to the last object of the trail, as the user would write it."""
    parts = {type(source).__qualname__: source}
    if hasattr(source, "sent_parts"):
        parts = source.sent_parts()
    for start, value in enumerate(trail):
        for name, part in parts.items():
            if part is value:
                return _shortened(_path(name, trail[start:]))
    return next(iter(parts))


def _path(name: str, trail: Sequence[Any]) -> str:
    owner = trail[0]
    for holder, part in zip(trail, trail[1:]):
        step = _step(owner, holder, part)
        if step is not None:
            name, owner = name + step, part
    return name


def _step(owner: Any, holder: Any, part: Any) -> Optional[str]:
    """Returns how the user writes `part` of `owner`.

    None if pickle has made `part` to hold the parts of `owner`.
    """
    if holder is owner:
        item = _item(owner, part)
        if item is not None:
            return item
    attribute = _attribute(owner, part)
    if attribute is not None:
        return attribute
    if isinstance(owner, FunctionType):
        return _variable(owner, holder, part)
    if isinstance(holder, dict) and holder is not owner:
        key = _key(holder, part)
        if isinstance(key, str):
            return f".{key}"
    if isinstance(part, _HOLDERS):
        return None
    return "()" if isinstance(owner, weakref.ref) else ""


def _item(container: Any, part: Any) -> Optional[str]:
    if isinstance(container, dict):
        key = _key(container, part)
        return None if key is None else f"[{reprlib.repr(key)}]"
    if isinstance(container, (list, tuple)):
        places = (i for i, item in enumerate(container) if item is part)
        place = next(places, None)
        return None if place is None else f"[{place}]"
    return None


def _key(mapping: dict[Any, Any], part: Any) -> Any:
    return next((key for key, value in mapping.items() if value is part), None)


def _attribute(owner: Any, part: Any) -> Optional[str]:
    """Returns the attribute of `owner` that has `part`, without running user code."""
    if isinstance(owner, CellType):
        return "" if owner.cell_contents is part else None
    values = _dictionary(owner)
    # `_variable` has better names for what a function holds.
    kinds = () if isinstance(owner, FunctionType) else type(owner).__mro__
    for kind in kinds:
        for name, slot in vars(kind).items():
            if isinstance(slot, MemberDescriptorType) and name != "__dict__":
                try:
                    values.setdefault(name, slot.__get__(owner))
                except AttributeError:  # the slot is empty
                    continue
    name = _key(values, part)
    return None if name is None else f".{name}"


def _dictionary(owner: Any) -> dict[str, Any]:
    try:
        return dict(object.__getattribute__(owner, "__dict__"))
    except AttributeError:  # it has no dictionary
        return {}


def _variable(function: FunctionType, holder: Any, part: Any) -> Optional[str]:
    """Returns the variable that holds `part` in a function that is sent by value."""
    if isinstance(part, CellType) and holder is function.__closure__:
        place = [cell is part for cell in function.__closure__].index(True)
        return f".<closure>.{function.__code__.co_freevars[place]}"
    if isinstance(holder, tuple) and holder is function.__defaults__:
        place = [value is part for value in holder].index(True)
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        return f".<default>.{names[place - len(holder)]}"
    name = _key(holder, part) if isinstance(holder, dict) else None
    if isinstance(name, str) and function.__globals__.get(name) is part:
        return f".<global>.{name}"
    return None if isinstance(part, (*_HOLDERS, CellType)) else ""


def _shortened(path: str) -> str:
    if len(path) <= _MOST_CHARACTERS:
        return path
    return f"{path[: _MOST_CHARACTERS // 2]}...{path[-_MOST_CHARACTERS // 2 :]}"
