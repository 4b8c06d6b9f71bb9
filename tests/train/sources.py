"""Sources of these tests. Without TensorFlow, which each fork server would import."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.contract.own_generators import Squares, draw


class Numbered:
    """Batch `i` is made of `i`; a legacy class without a base of Keras."""

    def __init__(self, num_batches: int, missing: int = -1) -> None:
        self.length = num_batches
        self.missing = missing
        self.ends = 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        if index == self.missing:
            raise FileNotFoundError(2, "no such scan", f"scan-{index}.npy")
        return np.full((4, 3), index, np.float64), np.full((4, 1), index % 2, np.int64)

    def on_epoch_end(self) -> None:
        self.ends += 1


class Mixed:
    """Batches of several dtypes, nested; a legacy class without a base of Keras."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        x = {
            "scan": np.ones((4, 3), np.float64),
            "mask": np.ones((4, 3), np.float16),
            "label": np.ones((4, 1), np.int64),
            "name": np.array([b"a"] * 4),
        }
        return x, np.ones((4, 1), np.float64), np.ones(4, np.float64)


def items(num_items: int) -> Iterator[Any]:
    """The first batches of `Numbered`, one after the other."""
    source = Numbered(num_items)
    for index in range(num_items):
        yield source[index]


class Source:
    """Makes generators of so many items, as a method."""

    def __init__(self, num_items: int) -> None:
        self.num_items = num_items

    def generate(self) -> Iterator[Any]:
        return items(self.num_items)

    def __iter__(self) -> Iterator[Any]:
        return items(self.num_items)


FUNCTIONS: dict[str, Any] = {
    "lambda": lambda num: lambda: items(num),
    "partial": lambda num: functools.partial(items, num),
    "method": lambda num: Source(num).generate,
    "function of a list": lambda num: lambda: list(items(num)),
    "iterable": Source,
}


class Noise(Squares):
    """Tells all that it draws as its labels."""

    def __init__(self) -> None:
        super().__init__(3)
        self.rng = np.random.default_rng(4)

    def __getitem__(self, index: int) -> Any:
        noise = draw(self.rng)
        return np.zeros((1, 1), np.float32), np.full((1, 1), noise, np.float32)
