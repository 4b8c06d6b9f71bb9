"""Turns a generator, an iterator or a function that makes one into a source.

Items are read one at a time, in order, by one reader. The source's position is the only
index it serves; index 0 of a factory begins a new run of it. An iterator may have
`__next__` alone, or Python 2's `next`, as those of Keras 2's time do.
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

# One lock per iterator: two datasets of the same one take turns.
_locks: weakref.WeakValueDictionary[int, _Turns] = weakref.WeakValueDictionary()


class _Turns:
    """Whose turn it is to call an iterator that several readers share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


def _turns_of(iterator: object) -> _Turns:
    # By identity; who holds the turns holds the iterator, so no other has its id.
    return _locks.setdefault(id(iterator), _Turns())


class EndOfDataError(Exception):
    """The generator has no further item; never leaves seq2data."""


def is_iterator(source: object) -> bool:
    """True if it gives its next item itself, by Python 3's method or Python 2's."""
    if isinstance(source, type):
        return False
    return any(callable(getattr(source, name, None)) for name in ("__next__", "next"))


def _iterator_of(iterable: Any) -> Any:
    # Not `iter`, which refuses what has `next` only.
    return iterable.__iter__() if hasattr(iterable, "__iter__") else iterable


class GeneratorFunction:
    """A callable without arguments; each call gives a new iterator."""

    restarts = True
    """After its end, the next pass calls the function again."""

    def __init__(self, factory: Callable[[], Any], name: str) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Makes a batch of an item."""
        self._factory = factory
        self._name = name
        self._iterator: Any = None
        self._position = 0

    def sent_parts(self) -> dict[str, Any]:
        """What of the user's has to reach the workers, by name."""
        return {self._name: self._factory}

    def __getstate__(self) -> dict[str, Any]:
        # Only the function travels: a run that has begun stays where it is.
        return {**self.__dict__, "_iterator": None, "_position": 0}

    @property
    def name(self) -> str:
        """The function's name, for messages."""
        return self._name

    @own_code
    def read(self, index: int) -> Any:
        """The next item, which must be the one at `index`.

        Raises:
            EndOfDataError: There is no further item.
            SourceError: `index` is not the position, so items would be lost.
        """
        if index == 0:
            self._iterator, self._position = self._start(), 0
        if self._iterator is None or index != self._position:
            raise SourceError(
                f"`{self._name}` stands at item {self._position} and cannot give item "
                f"{index}: a generator is read once, in order"
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
    """A live generator or iterator: it cannot be sent, copied or begun again."""

    restarts = False
    """Once at its end it stays there."""

    def __init__(self, iterator: Any) -> None:
        self.standardize: Callable[[Any], Any] = as_it_is
        """Makes a batch of an item."""
        self._iterator = _iterator_of(iterator)
        self._turns = _turns_of(self._iterator)

    @property
    def name(self) -> str:
        """The generator's name, for messages."""
        return str(
            getattr(self._iterator, "__name__", type(self._iterator).__qualname__)
        )

    @own_code
    def read(self, index: int) -> Any:
        """The next item.

        Raises:
            EndOfDataError: There is no further item.
        """
        with self._turns.lock:
            try:
                item = _next(self._iterator)
            except EndOfDataError:
                _check_end(self._iterator, index, self.name)
                raise
        return self.standardize(item)


def _check_end(owner: object, position: int, name: str) -> None:
    """Refuses an end in the middle of what `__len__` promises, if there is one.

    Raises:
        SourceError: The iterator has stopped too early.
    """
    if not isinstance(owner, Sized):
        return
    length = len(owner)
    if length and position % length:
        raise SourceError(
            f"`{name}` ended after {position} items, but its `__len__` says {length}: "
            "a StopIteration inside its `__next__` ends it, too"
        )


def _next(iterator: Any) -> Any:
    is_old = not hasattr(iterator, "__next__")
    step = iterator.next if is_old else partial(next, iterator)
    try:
        return step()
    except StopIteration:
        raise EndOfDataError from None
