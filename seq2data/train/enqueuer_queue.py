"""The attribute `queue` of enqueuers."""

from __future__ import annotations

import weakref
from typing import Protocol


class _ReadsAhead(Protocol):
    def count_ahead(self) -> int:
        """Returns how many batches are read or being read."""


class EnqueuerQueue:
    """Shows how many batches an enqueuer reads ahead, for old loops that poll it.

    Args:
        enqueuer: Starts to read at the first question here, or the first `get`.
        maxsize: The most batches that it reads ahead.
    """

    def __init__(self, enqueuer: _ReadsAhead, maxsize: int) -> None:
        self.maxsize = maxsize
        self._enqueuer = weakref.ref(enqueuer)

    def qsize(self) -> int:
        """Returns how many batches are read or being read, and not taken yet.

        Raises:
            ReadError: A hook of the source raised.
        """
        enqueuer = self._enqueuer()
        return 0 if enqueuer is None else min(self.maxsize, enqueuer.count_ahead())

    def empty(self) -> bool:
        """True if there is none: the generator has ended, or `stop` was called.

        Raises:
            ReadError: A hook of the source raised.
        """
        return self.qsize() == 0

    def full(self) -> bool:
        """True if `maxsize` batches are read or being read.

        Raises:
            ReadError: A hook of the source raised.
        """
        return self.qsize() == self.maxsize
