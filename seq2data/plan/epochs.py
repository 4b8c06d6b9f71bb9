"""Turns a number of batches into the order of one epoch."""

from __future__ import annotations

import contextlib
import secrets
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

import numpy as np

from seq2data.plan.permutation import MOST_IN_MEMORY, LazyPermutation

Order = Union[np.ndarray, LazyPermutation]
Draw = Callable[[int], Union[Sequence[int], LazyPermutation]]
"""Returns the order of a number of batches."""

_SHUFFLE_KEY = 0


@dataclass(frozen=True)
class Epoch:
    """One iteration over the data.

    Attributes:
        number: How many epochs were begun before it.
        num_batches: The number of batches.
        order: int64 permutation `[num_batches]`, None for 0, 1, 2, ...; a huge one is
            computed only where it is needed.
    """

    number: int
    num_batches: int
    order: Optional[Order] = None

    def indices(self, start: int, stop: int) -> tuple[int, ...]:
        """Returns the source's indices at positions `start` to `stop` of the epoch."""
        if self.order is None:
            return tuple(range(start, stop))
        return tuple(self.order[start:stop].tolist())


class EpochCount:
    """A count of epochs.

    Attributes:
        begun: How many epochs were begun.
    """

    def __init__(self) -> None:
        self.begun = 0


# By identity: sources may be unhashable. The entry is deleted with the source.
_counts: dict[int, EpochCount] = {}


def epochs_of(source: Any) -> EpochCount:
    """Returns the count of a source, which several of its datasets may share.

    A source without weak references gets a new count each time.
    """
    if id(source) in _counts:
        return _counts[id(source)]
    count = EpochCount()
    with contextlib.suppress(TypeError):
        weakref.finalize(source, _counts.pop, id(source)).atexit = False
        _counts[id(source)] = count
    return count


class Plan:
    """Counts the epochs of one dataset; the order of each depends on (seed, epoch).

    Not thread-safe: the dataset begins one epoch at a time.

    Args:
        shuffle: True if each epoch has its own order.
        seed: The seed of the orders, and of all other random state.
        draw: Returns the order of a number of batches instead, from its own state.
        epochs: The count of epochs, if other datasets share it.
    """

    def __init__(
        self,
        shuffle: bool = False,
        seed: Optional[int] = None,
        draw: Optional[Draw] = None,
        epochs: Optional[EpochCount] = None,
    ) -> None:
        self._shuffle = shuffle
        self._draw = draw
        self._epochs = epochs or EpochCount()
        self.entropy = secrets.randbits(128) if seed is None else int(seed)
        """The number that all random state of the dataset derives from."""

    @property
    def next_epoch(self) -> int:
        """The number of the epoch that begins next."""
        return self._epochs.begun

    def begin(self, num_batches: int) -> Epoch:
        """Begins the next epoch and returns it."""
        number = self._epochs.begun
        self._epochs.begun += 1
        return Epoch(number, num_batches, self._order(number, num_batches))

    def _order(self, number: int, num_batches: int) -> Optional[Order]:
        if self._draw is not None:
            order = self._draw(num_batches)
            if isinstance(order, LazyPermutation):
                return order
            return np.asarray(order, np.int64)
        if not self._shuffle:
            return None
        seed = np.random.SeedSequence(self.entropy, spawn_key=(_SHUFFLE_KEY, number))
        if num_batches > MOST_IN_MEMORY:
            words = seed.generate_state(4)
            return LazyPermutation(
                num_batches, int.from_bytes(words.tobytes(), "little")
            )
        return np.random.default_rng(seed).permutation(num_batches)
