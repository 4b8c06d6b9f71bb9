"""Turns a generator, an iterator or a function that makes one into a source.

One reader reads the items one at a time, in order. The only index that can be read is
the source's position; with index 0 a function is called again. An iterator may have
only `__next__`, or only Python 2's `next`, like iterators of Keras 2's time.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sized
from functools import partial
from typing import Any, Callable

from seq2data.errors import SourceError
from seq2data.source.keras_batches import as_it_is
from seq2data.source.own_code import own_code

# By the iterator's identity. A source keeps both its iterator and the entry, so no
# other iterator gets the same identity while the entry exists.
_locks: weakref.WeakValueDictionary[int, _SharedLock] = weakref.WeakValueDictionary()


class _SharedLock:
    """The lock of one iterator, which several datasets may read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def _lock_of(iterator: object) -> _SharedLock:
    return _locks.setdefault(id(iterator), _SharedLock())


class EndOfDataError(Exception):
    """The generator has no further item. Users never get this error."""


def is_iterator(source: object) -> bool:
    """True if it has `__next__`, or `next` as in Python 2."""
    if isinstance(source, type):
        return False
    return any(callable(getattr(source, name, None)) for name in ("__next__", "next"))


def _iterator_of(iterable: Any) -> Any:
    # Not `iter`, which refuses an iterator with only `next`.
    return iterable.__iter__() if hasattr(iterable, "__iter__") else iterable


class GeneratorFunction:
    """A callable without arguments; each call gives a new iterator."""

    restarts = True
    """True: after the end, the next epoch calls the function again."""

    def __init__(self, factory: Callable[[], Any], name: str) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Turns an item into a batch."""
        self._factory = factory
        self._name = name
        self._iterator: Any = None
        self._position = 0

    def sent_parts(self) -> dict[str, Any]:
        """Returns the user's objects that the workers need, by name."""
        return {self._name: self._factory}

    def __getstate__(self) -> dict[str, Any]:
        # Only the function is sent; an iterator that was begun stays here.
        return {**self.__dict__, "_iterator": None, "_position": 0}

    @property
    def name(self) -> str:
        """The function's name, for messages."""
        return self._name

    @own_code
    def read(self, index: int) -> Any:
        """Returns the next item, which must have this index.

        Raises:
            EndOfDataError: There is no further item.
            SourceError: `index` is not the position, so items would be lost.
        """
        if index == 0:
            self._iterator, self._position = self._start(), 0
        if self._iterator is None or index != self._position:
            raise SourceError(
                f"`{self._name}` is at item {self._position}, so item {index} cannot "
                "be read: a generator is read once, in order"
            )
        try:
            item = _next(self._iterator)
        except EndOfDataError:
            owner = getattr(self._factory, "__self__", None)
            _check_end(owner, index, self._name)
            raise
        self._position += 1
        return self.standardize(item)

    def _start(self) -> Any:
        made = self._factory()
        if not (hasattr(made, "__iter__") or is_iterator(made)):
            raise SourceError(
                f"`{self._name}()` returned a `{type(made).__qualname__}`: a source "
                "that is called must return a generator or another iterable"
            )
        return _iterator_of(made)


class GeneratorObject:
    """A live generator or iterator: it cannot be sent, copied or restarted."""

    restarts = False
    """False: after the end there is no further item."""

    def __init__(self, iterator: Any) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Turns an item into a batch."""
        self._iterator = _iterator_of(iterator)
        self._shared = _lock_of(self._iterator)

    @property
    def name(self) -> str:
        """The generator's name, for messages."""
        return str(
            getattr(self._iterator, "__name__", type(self._iterator).__qualname__)
        )

    @own_code
    def read(self, index: int) -> Any:
        """Returns the next item.

        Raises:
            EndOfDataError: There is no further item.
        """
        with self._shared.lock:
            try:
                item = _next(self._iterator)
            except EndOfDataError:
                _check_end(self._iterator, index, self.name)
                raise
        return self.standardize(item)


def _check_end(owner: object, position: int, name: str) -> None:
    """Compares the position of an iterator's end with its `__len__`, if it has one.

    Raises:
        SourceError: The iterator has stopped too early.
    """
    if not isinstance(owner, Sized):
        return
    length = len(owner)
    if length and position % length:
        raise SourceError(
            f"`{name}` ended after {position} items, but its `__len__` is {length}: "
            "look for a StopIteration raised inside its `__next__`, which ends it, too"
        )


def _next(iterator: Any) -> Any:
    is_old = not hasattr(iterator, "__next__")
    step = iterator.next if is_old else partial(next, iterator)
    try:
        return step()
    except StopIteration:
        raise EndOfDataError from None
