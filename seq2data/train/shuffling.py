"""Orders of batches that are drawn from the `random` module, as Keras 2 draws them."""

from __future__ import annotations

import random
from typing import Union

from seq2data.plan.permutation import MOST_IN_MEMORY, LazyPermutation


def shuffled(num_batches: int) -> Union[list[int], LazyPermutation]:
    """Returns the order of an epoch of `fit_generator`."""
    if num_batches > MOST_IN_MEMORY:
        return LazyPermutation(num_batches, random.getrandbits(128))
    order = list(range(num_batches))
    random.shuffle(order)
    return order


class ReshuffledOrder:
    """Draws as the enqueuers of Keras 2.15: each epoch shuffles the last order."""

    def __init__(self) -> None:
        self._order: list[int] = []

    def __call__(self, num_batches: int) -> Union[list[int], LazyPermutation]:
        if num_batches > MOST_IN_MEMORY:
            return shuffled(num_batches)
        if len(self._order) != num_batches:
            self._order = list(range(num_batches))
        random.shuffle(self._order)
        return self._order
