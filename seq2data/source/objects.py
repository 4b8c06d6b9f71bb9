"""Reads batches that are any objects, for the enqueuers.

A reader can only hand over arrays. Here a batch is one array. In the caller's process
it is the number of an object that is kept; from another process it is a pickle.
"""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import cloudpickle
import numpy as np

from seq2data.errors import SourceError
from seq2data.source.generator import GeneratorObject
from seq2data.source.indexable import Indexable


class Kept:
    """Objects by number; each is kept until it is taken."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers = itertools.count()

    def put(self, item: Any) -> np.ndarray:
        """Keeps an object; returns its number."""
        number = next(self._numbers)
        self._objects[number] = item
        return np.array(number)

    def take(self, number: np.ndarray) -> Any:
        """Removes and returns the object of a number."""
        return self._objects.pop(int(number))


class _ObjectsOf(Indexable):
    """Another source, with its hooks and its name.

    Args:
        source: Returns the objects.
    """

    def __init__(self, source: Indexable) -> None:
        super().__init__(source)
        self._source = source
        self.seeds_itself = source.seeds_itself
        self.keeps_order = source.keeps_order

    @property
    def name(self) -> str:
        """The name of the source's class, for messages."""
        return self._source.name

    def sent_parts(self) -> dict[str, Any]:
        """Returns the user's objects that the workers need, by name."""
        return self._source.sent_parts()

    def num_batches(self) -> int:
        """Returns the length of an epoch of the source."""
        return self._source.num_batches()

    def on_epoch_begin(self) -> None:
        """Calls the source's hook."""
        self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Calls the source's hook."""
        self._source.on_epoch_end()


class KeptObjects(_ObjectsOf):
    """A source that is read in the caller's process; the objects stay the same."""

    def __init__(self, source: Indexable) -> None:
        super().__init__(source)
        self._kept = Kept()

    def read(self, index: int) -> np.ndarray:
        """Keeps what the source returns for `index`; returns its number."""
        return self._kept.put(self._source.read(index))

    def object_of(self, leaf: np.ndarray) -> Any:
        """Returns the object for what `read` returned."""
        return self._kept.take(leaf)


class PickledObjects(_ObjectsOf):
    """A source that other processes read; the objects are equal copies."""

    def read(self, index: int) -> np.ndarray:
        """Returns the pickle of what the source returns for `index`.

        Raises:
            SourceError: It cannot be pickled.
        """
        item = self._source.read(index)
        try:
            # Classes of `__main__` by value, since a worker has another `__main__`.
            pickled = cloudpickle.dumps(item)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise SourceError(
                f"`{self.name}[{index}]` is a `{type(item).__qualname__}` that cannot "
                f"be pickled ({error}): return an object that can, or pass "
                "`use_multiprocessing=False`"
            ) from error
        return np.frombuffer(pickled, np.uint8)

    def object_of(self, leaf: np.ndarray) -> Any:
        """Returns the object for what `read` returned."""
        return pickle.loads(leaf.tobytes())  # from a worker of this program


class KeptItems(GeneratorObject):
    """A generator that is read in the caller's process; the items stay the same."""

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        self._kept = Kept()

    def read(self, index: int) -> np.ndarray:
        """Keeps the next item; returns its number.

        Raises:
            EndOfDataError: There is no further item.
        """
        return self._kept.put(super().read(index))

    def object_of(self, leaf: np.ndarray) -> Any:
        """Returns the item for what `read` returned."""
        return self._kept.take(leaf)
