"""Reads Keras's image iterators by index: `flow`, `flow_from_directory` and others.

Their `__getitem__` seeds numpy with a count of the calls, which differs from worker to
worker, and their `__iter__` never ends. Here batch `index` of an epoch is the batch
that a single reader gets from call number `index` of `next(iterator)` in that epoch.
For a given seed it depends on nothing else, so images and masks with the same seed fit
together. (`Iterator` in keras-preprocessing, in Keras 2 and in
keras/src/legacy/preprocessing/image.py.)
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

import numpy as np

from seq2data.source.indexable import Indexable

_ATTRIBUTES = (
    "index_array",
    "total_batches_seen",
    "seed",
    "_set_index_array",
    "_get_batches_of_transformed_samples",
)


def is_image_iterator(source: object) -> bool:
    """True if it has the attributes of an image iterator of any version of Keras."""
    return all(hasattr(source, name) for name in _ATTRIBUTES)


class ImageIterator(Indexable):
    """An image iterator whose epochs begin and end in the caller's process.

    The caller's process draws the order of an epoch and counts the batches. Readers
    change nothing.
    """

    def __init__(
        self, wrapped: Any, transform: Optional[Callable[[Any], Any]] = None
    ) -> None:
        super().__init__(wrapped, transform)
        self.seeds_itself = wrapped.seed is not None
        self._drawn_for = -1

    def on_epoch_begin(self) -> None:
        """Draws the order of the epoch, unless that has been done."""
        super().on_epoch_begin()
        iterator = self._wrapped
        if iterator.seed is None and iterator.index_array is not None:
            return  # the last `on_epoch_end` has drawn it
        if self._drawn_for != iterator.total_batches_seen:
            with self._seeded():
                iterator._set_index_array()
            self._drawn_for = iterator.total_batches_seen

    def on_epoch_end(self) -> None:
        """Counts the epoch's batches and calls the iterator's own hook."""
        self._wrapped.total_batches_seen += self.num_batches()
        with self._seeded():
            super().on_epoch_end()

    def read_item(self, index: int) -> Any:
        """Returns what `next(iterator)` returns as item `index` of the epoch."""
        view = copy.copy(self._wrapped)  # other threads may read at the same time
        view.total_batches_seen += index
        if index == 0 and self.seeds_itself:
            # The iterator draws the same order again, and then the first batch.
            view.index_array = None
        return view[index]

    @contextlib.contextmanager
    def _seeded(self) -> Iterator[None]:
        """Seeds numpy as the iterator does for an epoch's first batch."""
        if not self.seeds_itself:
            yield
            return
        before = np.random.get_state()
        np.random.seed(self._wrapped.seed + self._wrapped.total_batches_seen)
        try:
            yield
        finally:
            np.random.set_state(before)


class Lockstep(Indexable):
    """Image iterators that are zipped, such as images and their masks."""

    keeps_order = True

    def __init__(self, parts: Sequence[ImageIterator]) -> None:
        super().__init__(parts)
        self._parts = parts
        self.seeds_itself = any(part.seeds_itself for part in parts)

    @classmethod
    def of(cls, zipped: Any) -> Optional[Lockstep]:
        """Returns the source for a `zip` of image iterators of one length, or None."""
        # `__reduce__` is the only way to get the parts of a `zip`.
        iterators = zipped.__reduce__()[1] if isinstance(zipped, zip) else ()
        if not iterators or not all(map(is_image_iterator, iterators)):
            return None
        if len({len(iterator) for iterator in iterators}) > 1:
            return None
        return cls([ImageIterator(iterator) for iterator in iterators])

    @property
    def name(self) -> str:
        """The names of the iterators' classes, for messages."""
        return f"zip({', '.join(part.name for part in self._parts)})"

    def sent_parts(self) -> dict[str, Any]:
        """Returns the user's objects that the workers need, by name."""
        return {
            f"zip[{number}]": part._wrapped for number, part in enumerate(self._parts)
        }

    def num_batches(self) -> int:
        """Returns the length of an epoch."""
        return self._parts[0].num_batches()

    def read_item(self, index: int) -> Any:
        """Returns a tuple with the item of each iterator."""
        return tuple(part.read(index) for part in self._parts)

    def on_epoch_begin(self) -> None:
        """Calls the hook of each iterator."""
        for part in self._parts:
            part.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Calls the hook of each iterator."""
        for part in self._parts:
            part.on_epoch_end()
