"""The three arguments of Keras 2 that say how a source is read."""

from __future__ import annotations

from typing import NamedTuple


class Queue(NamedTuple):
    """The arguments, with Keras 2's defaults, in Keras 2's order."""

    max_queue_size: int = 10
    workers: int = 1
    use_multiprocessing: bool = False
