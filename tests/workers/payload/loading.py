"""Sends values as a payload, and loads them as a worker does."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from seq2data.workers.payload.payload import Payload, load, pack
from seq2data.workers.system.proc import open_descriptors

BIG = 100_000


def big(start: int = 0) -> np.ndarray:
    """An array that is too large to travel inside the pickle."""
    return np.arange(start, start + BIG, dtype=np.int64)


class Data:
    """A legacy class with large arrays and a little state."""

    def __init__(self, **arrays: Any) -> None:
        self.epoch = 0
        self.__dict__.update(arrays)


def loaded(payload: Payload) -> Any:
    """The source of a payload, as a worker loads it with descriptors of its own."""
    descriptors = [os.dup(number) for number in payload.descriptors()]
    return load(payload.load, descriptors).source


def sent(value: Any) -> Any:
    """What a worker gets of a value."""
    return loaded(pack(value, None))


def num_memory_files() -> int:
    """How many descriptors of files in memory this process has."""
    return sum("memfd:seq2data" in target for target in open_descriptors().values())
