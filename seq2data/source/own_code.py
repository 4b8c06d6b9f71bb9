"""Tells a source's own code from the program that uses the source.

In a source's own code the name of a wrapped class still means the class: calling it
makes an instance. In all other code of the training process, calling it makes a
dataset. Code of seq2data that calls a source's code uses a block `with own_code`, or
the decorator `@own_code`.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator


class OwnCode(threading.local, ContextDecorator):
    """A state of each thread. Blocks may be nested."""

    is_worker = False
    """True if this process is a worker, where all user code is the sources' own."""
    _depth = 0

    @property
    def is_running(self) -> bool:
        """True if a source's code is running, or code that it has called."""
        return self.is_worker or self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


own_code = OwnCode()


def enter_worker() -> None:
    """Marks this process as a worker, until it ends."""
    OwnCode.is_worker = True
