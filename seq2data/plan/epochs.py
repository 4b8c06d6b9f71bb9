"""Turns a number of batches into one epoch's order of them."""

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
"""Gives the order of a number of batches."""

_SHUFFLE_KEY = 0


@dataclass(frozen=True)
class Epoch:
    """One pass.

    Attributes:
        number: How many passes were begun before it.
        num_batches: Batches in this pass.
        order: int64 permutation `[num_batches]`, None for 0, 1, 2, ...; a huge one is
            computed where it is asked for.
    """

    number: int
    num_batches: int
    order: Optional[Order] = None

    def indices(self, start: int, stop: int) -> tuple[int, ...]:
        """The source's indices at positions `start` to `stop` of the pass."""
        if self.order is None:
            return tuple(range(start, stop))
        return tuple(self.order[start:stop].tolist())


class EpochCount:
    """How many passes were begun.

    Attributes:
        begun: Their number.
    """

    def __init__(self) -> None:
        self.begun = 0


# By identity: sources may be unhashable. A source takes its entry along.
_counts: dict[int, EpochCount] = {}


def epochs_of(source: Any) -> EpochCount:
    """The count that all datasets of a source go on with, if they are given it.

    A source that cannot be referred to weakly gets a new one each time.
    """
    if id(source) in _counts:
        return _counts[id(source)]
    count = EpochCount()
    with contextlib.suppress(TypeError):
        weakref.finalize(source, _counts.pop, id(source)).atexit = False
        _counts[id(source)] = count
    return count


class Plan:
    """Counts the passes of one dataset and orders each from (seed, epoch) alone.

    Not thread-safe: the dataset's owner begins one pass at a time.

    Args:
        shuffle: Whether each pass has an order of its own.
        seed: Of the orders, and of all other random state.
        draw: Gives the order of a number of batches instead, from state of its own.
        epochs: Counts the passes, where those of other datasets count, too.
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
        """What all random state of the dataset derives from."""

    @property
    def next_epoch(self) -> int:
        """The number of the pass that begins next."""
        return self._epochs.begun

    def begin(self, num_batches: int) -> Epoch:
        """The next epoch."""
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
