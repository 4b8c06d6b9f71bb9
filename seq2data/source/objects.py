"""Sources whose batches are any objects, and reach the reader as they are.

What crosses from a reader is arrays. Here a batch is one array: in the caller's process
the number under which the object itself is kept, from another process its pickle.
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
    """Objects by number, each until it is taken."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers = itertools.count()

    def put(self, item: Any) -> np.ndarray:
        """The number of an object."""
        number = next(self._numbers)
        self._objects[number] = item
        return np.array(number)

    def take(self, number: np.ndarray) -> Any:
        """The object of a number."""
        return self._objects.pop(int(number))


class _ObjectsOf(Indexable):
    """Another source, with its hooks and its name.

    Args:
        source: Gives the objects.
    """

    def __init__(self, source: Indexable) -> None:
        super().__init__(source)
        self._source = source
        self.seeds_itself = source.seeds_itself
        self.keeps_order = source.keeps_order

    @property
    def name(self) -> str:
        """The class, for messages."""
        return self._source.name

    def sent_parts(self) -> dict[str, Any]:
        """What of the user's has to reach the workers, by name."""
        return self._source.sent_parts()

    def num_batches(self) -> int:
        """The source's."""
        return self._source.num_batches()

    def on_epoch_begin(self) -> None:
        """Calls the source's hook."""
        self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Calls the source's hook."""
        self._source.on_epoch_end()


class KeptObjects(_ObjectsOf):
    """Read in the caller's process: what comes out is the very object."""

    def __init__(self, source: Indexable) -> None:
        super().__init__(source)
        self._kept = Kept()

    def read(self, index: int) -> np.ndarray:
        """The number of what the source gives for `index`."""
        return self._kept.put(self._source.read(index))

    def object_of(self, leaf: np.ndarray) -> Any:
        """The object behind what `read` returned."""
        return self._kept.take(leaf)


class PickledObjects(_ObjectsOf):
    """Read in other processes: what comes out is equal, with the caller's classes."""

    def read(self, index: int) -> np.ndarray:
        """The pickle of what the source gives for `index`.

        Raises:
            SourceError: It does not pickle.
        """
        item = self._source.read(index)
        try:
            # By value what is of `__main__`, which has another name in a worker.
            pickled = cloudpickle.dumps(item)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise SourceError(
                f"`{self.name}[{index}]` is a `{type(item).__qualname__}` that cannot "
                f"leave its process ({error}): return what pickles, or pass "
                "`use_multiprocessing=False`"
            ) from error
        return np.frombuffer(pickled, np.uint8)

    def object_of(self, leaf: np.ndarray) -> Any:
        """The object behind what `read` returned."""
        return pickle.loads(leaf.tobytes())  # our own worker's


class KeptItems(GeneratorObject):
    """The very items of a generator, which is read in the caller's process."""

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        self._kept = Kept()

    def read(self, index: int) -> np.ndarray:
        """The number of the next item.

        Raises:
            EndOfDataError: There is no further item.
        """
        return self._kept.put(super().read(index))

    def object_of(self, leaf: np.ndarray) -> Any:
        """The item behind what `read` returned."""
        return self._kept.take(leaf)
