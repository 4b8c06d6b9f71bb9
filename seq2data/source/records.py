"""Describes namedtuples, dataclasses and `attrs` objects in batches by name and fields.

A worker and the caller may have different objects for one class: the class of a script
is sent by value. So a batch crosses with the name and the fields of the class. In a
dataset a namedtuple has the caller's class. Other records become namedtuples with the
same fields, since tf.data has no records.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional

from seq2data.errors import BatchError
from seq2data.exception_text import summary_of


class Record(NamedTuple):
    """The name of a class, and its fields in order.

    Attributes:
        module: The module that defines the class.
        qualname: The name of the class in that module.
        fields: The names of the fields.
    """

    module: str
    qualname: str
    fields: tuple[str, ...]

    def make(self, values: Iterable[Any]) -> Any:
        """Returns a namedtuple of this class.

        Raises:
            BatchError: The constructor takes other arguments than the fields.
        """
        try:
            return _class_of(self)(*values)  # as TensorFlow does
        except Exception as error:
            raise BatchError(
                f"a batch has a `{self.module}.{self.qualname}`, which cannot be made "
                f"of its fields: {summary_of(error)}. Return a plain tuple or dict"
            ) from error


class Parts(NamedTuple):
    """A record, and the values of its fields."""

    record: Record
    values: tuple[Any, ...]


def parts_of(value: Any) -> Optional[Parts]:
    """Returns the parts of a namedtuple, dataclass or `attrs` object, else None."""
    kind = type(value)
    fields = _fields_of(kind)
    if fields is None:
        return None
    record = Record(kind.__module__, kind.__qualname__, fields)
    if isinstance(value, tuple):
        return Parts(record, tuple(value))
    return Parts(record, tuple(getattr(value, name) for name in fields))


def _fields_of(kind: type) -> Optional[tuple[str, ...]]:
    if issubclass(kind, tuple):
        fields = getattr(kind, "_fields", None)
        return None if fields is None else tuple(fields)
    if hasattr(kind, "__array__"):
        return None
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    if hasattr(kind, "__attrs_attrs__"):
        return tuple(field.name for field in kind.__attrs_attrs__)
    return None


def _class_of(record: Record) -> Any:
    """Returns the caller's class if it is a namedtuple, else one with these fields."""
    # A function may have made the class several times; the newest one is used.
    for kind in (_imported(record), *reversed([*_subclasses(tuple)])):
        if _is_of(record, kind):
            return kind
    return _made(record)


def _imported(record: Record) -> Any:
    try:
        # Not `import_module` first: the caller's thread may be importing the module
        # and waiting for this thread.
        module = sys.modules.get(record.module)
        found = module or importlib.import_module(record.module)
        return functools.reduce(getattr, record.qualname.split("."), found)
    except (ImportError, AttributeError):  # made by a function, or only in a worker
        return None


def _subclasses(kind: type) -> Iterator[Any]:
    subclasses: list[type] = type.__subclasses__(kind)
    for subclass in subclasses:
        yield subclass
        yield from _subclasses(subclass)


def _is_of(record: Record, kind: Any) -> bool:
    names = (getattr(kind, "__module__", None), getattr(kind, "__qualname__", None))
    return (
        isinstance(kind, type)
        and issubclass(kind, tuple)
        and names == (record.module, record.qualname)
        and getattr(kind, "_fields", None) == record.fields
    )


@functools.lru_cache
def _made(record: Record) -> type:
    name = record.qualname.rpartition(".")[2]
    # A namedtuple has no fields that begin with `_`; `rename` gives those a number.
    return collections.namedtuple(name, record.fields, rename=True)
