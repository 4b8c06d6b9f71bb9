"""Tells a part of the pipeline that its iterator is gone."""

from __future__ import annotations


class CancellationToken:
    """Belongs to one iterator; every thread may read and cancel it.

    Attributes:
        is_cancelled: True if nothing is read for the iterator any longer. It changes
            once, from False to True, so it needs no lock.
    """

    def __init__(self) -> None:
        self.is_cancelled = False

    def is_valid(self) -> bool:
        """True if the iterator still wants batches; tasks call this."""
        return not self.is_cancelled

    def cancel(self) -> None:
        """Cancels; takes no lock, because finalizers call it."""
        self.is_cancelled = True
