"""The attribute `queue` of enqueuers."""

from __future__ import annotations

import weakref
from typing import Protocol


class _ReadsAhead(Protocol):
    def count_ahead(self) -> int:
        """How many batches are read, or being read."""


class BatchQueue:
    """How many batches an enqueuer reads ahead, for old loops that look.

    Args:
        enqueuer: Reads them, from the first look or `get` on.
        maxsize: How many it may have.
    """

    def __init__(self, enqueuer: _ReadsAhead, maxsize: int) -> None:
        self.maxsize = maxsize
        self._enqueuer = weakref.ref(enqueuer)

    def qsize(self) -> int:
        """How many batches are read, or being read, that nobody has taken yet.

        Raises:
            ReadError: A hook of the source raised.
        """
        enqueuer = self._enqueuer()
        return 0 if enqueuer is None else min(self.maxsize, enqueuer.count_ahead())

    def empty(self) -> bool:
        """True if there is none: the generator has ended, or `stop` was called."""
        return self.qsize() == 0

    def full(self) -> bool:
        """True if there are `maxsize`."""
        return self.qsize() == self.maxsize
