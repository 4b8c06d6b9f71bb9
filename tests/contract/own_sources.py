"""Classes that use a random generator of their own as old code does; importable."""

from __future__ import annotations

import os
import signal
from typing import Any, Optional

import numpy as np

from tests.contract.own_generators import draw
from tests.sources import Squares


class Augments(Squares):
    """Shuffles its rows with the generator from which its batches draw noise."""

    def __init__(self, rng: Any, num_batches: int = 6) -> None:
        super().__init__(num_batches)
        self.rng = rng
        self.rows = list(range(24))

    def __getitem__(self, index: int) -> Any:
        rows = self.rows[index * 4 : index * 4 + 4]
        return np.array(rows, float), np.array([draw(self.rng) for _ in range(2)])

    def on_epoch_end(self) -> None:
        self.rng.shuffle(self.rows)


class Pairs(Squares):
    """Turns images and masks by generators that draw the same."""

    def __init__(self, images: Any, masks: Any) -> None:
        super().__init__(8)
        self.images, self.masks = images, masks

    def __getitem__(self, index: int) -> Any:
        return np.array([draw(self.images), draw(self.masks)])


class DrawsAndDies(Augments):
    """Kills the worker that is the first to have drawn batch 3."""

    def __init__(self, rng: Any, marker: str) -> None:
        super().__init__(rng)
        self.marker = marker

    def __getitem__(self, index: int) -> Any:
        batch = super().__getitem__(index)
        if index == 3 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return batch


class DrawsOrderLate(Squares):
    """Draws its order at the first read, from its own generator."""

    def __init__(self, rng: Any) -> None:
        super().__init__(24)
        self.rng = rng
        self.order: Any = None

    def __getitem__(self, index: int) -> Any:
        if self.order is None:
            self.order = list(range(24))
            self.rng.shuffle(self.order)
        return np.array([self.order[index], os.getppid(), os.getpid()])


class MakesItLate(Squares):
    """Makes its generator at the first read."""

    rng: Any = None

    def __init__(self, seed: Optional[int]) -> None:
        super().__init__(12)
        self.seed = seed

    def __getitem__(self, index: int) -> Any:
        if self.rng is None:
            self.rng = np.random.default_rng(self.seed)
        return self.rng.random(2)


class Tells(Squares):
    """Tells who has forked its worker, and draws."""

    def __init__(self) -> None:
        super().__init__(24)
        self.rng = np.random.default_rng()

    def __getitem__(self, index: int) -> Any:
        return np.array([os.getppid(), self.rng.integers(9)])
