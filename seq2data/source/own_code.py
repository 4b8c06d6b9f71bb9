"""Tells a source's own code from the program that uses the source.

Inside of its own code the name of a wrapped class means the class, as it always did:
calling it makes an instance. Outside, in the training process, calling it makes a
dataset. Who calls a source's code does so in a block `with own_code`, or in a function
that it decorates.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator


class OwnCode(threading.local, ContextDecorator):
    """Each thread's own; blocks may stand inside of each other."""

    is_worker = False
    """Whether this process is a worker, where there is nothing but sources' code."""
    _depth = 0

    @property
    def is_running(self) -> bool:
        """True if what runs now was called by a source's code, or is it."""
        return self.is_worker or self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


own_code = OwnCode()


def enter_worker() -> None:
    """Says that this process is a worker, for good."""
    OwnCode.is_worker = True
