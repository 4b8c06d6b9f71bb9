"""An object that a source holds, with what a batch reads from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np

NUM_BATCHES = 4


class Kind(NamedTuple):
    """Something to hold.

    Attributes:
        make: Makes it, with a folder for its files.
        read: What batch `index` has of it.
    """

    make: Callable[[Path], Any]
    read: Callable[[Any, int], Any]


class Holder:
    """A legacy class that holds one thing, or several."""

    def __init__(self, folder: Path, *kinds: Kind) -> None:
        self.held = [kind.make(folder) for kind in kinds]
        self.read = [kind.read for kind in kinds]

    def __len__(self) -> int:
        return NUM_BATCHES

    def __getitem__(self, index: int) -> Any:
        pairs = zip(self.held, self.read)
        return tuple(np.asarray(read(held, index)) for held, read in pairs)


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
