"""Keeps the next pass's iterator ready.

Making a TensorFlow iterator takes some ms, most of them for optimising its functions
again, which would all stand between the last batch of a pass and the first of the next.
An iterator that nobody has pulled from has not begun a pass, so it may as well be made
while the pass before it is under way.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Optional

import tensorflow as tf


class SpareIterator:
    """One unused iterator over a dataset.

    Args:
        dataset: Must not refer to this object's owner, or neither would be freed.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        self._dataset = dataset
        self._spare: Optional[Iterator[Any]] = None
        self._lock = threading.Lock()

    def take(self) -> Iterator[Any]:
        """The spare, or a new one where there is none."""
        with self._lock:
            spare, self._spare = self._spare, None
        return iter(self._dataset) if spare is None else spare

    def prepare(self) -> None:
        """Makes a spare in a thread; the interpreter's exit waits for it."""
        name = "seq2data next iterator"
        threading.Thread(target=self._make, name=name, daemon=False).start()

    def _make(self) -> None:
        with self._lock:
            if self._spare is None:
                self._spare = iter(self._dataset)
