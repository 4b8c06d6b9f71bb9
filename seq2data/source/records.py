"""Namedtuples, dataclasses and `attrs` classes in batches: which one, in words.

A worker may have another object for a class than the caller (that of a script reaches
it by value), so what crosses is the class's name and fields. A dataset holds the
caller's own namedtuple class; of other records it holds namedtuples with their fields,
since tf.data has no records.
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
    """A class with fields in an order.

    Attributes:
        module: Where it was defined.
        qualname: Its name there.
        fields: Their names.
    """

    module: str
    qualname: str
    fields: tuple[str, ...]

    def make(self, values: Iterable[Any]) -> Any:
        """A namedtuple of this class.

        Raises:
            BatchError: Its constructor takes other arguments than its fields.
        """
        try:
            return _class_of(self)(*values)  # as TensorFlow does
        except Exception as error:
            raise BatchError(
                f"a batch has a `{self.module}.{self.qualname}`, which cannot be made "
                f"of its fields: {summary_of(error)}. Return a plain tuple or dict"
            ) from error


class Parts(NamedTuple):
    """What a record is made of."""

    record: Record
    values: tuple[Any, ...]


def parts_of(value: Any) -> Optional[Parts]:
    """The parts of a namedtuple, dataclass or `attrs` object; None for what is none."""
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
    """The caller's own class if it is a namedtuple's, else one with these fields."""
    # A class that a function has made, perhaps more than once, is the newest of those.
    for kind in (_imported(record), *reversed([*_subclasses(tuple)])):
        if _is_of(record, kind):
            return kind
    return _made(record)


def _imported(record: Record) -> Any:
    try:
        # The caller's thread may be importing it, and wait for this one.
        module = sys.modules.get(record.module)
        found = module or importlib.import_module(record.module)
        return functools.reduce(getattr, record.qualname.split("."), found)
    except (ImportError, AttributeError):  # of a function, or of a worker alone
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
    # A field that begins with `_` cannot be one of a namedtuple, and gets a number.
    return collections.namedtuple(name, record.fields, rename=True)
