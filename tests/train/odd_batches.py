"""Batches that old scripts made. Without TensorFlow: fork servers would import it."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

Pair = collections.namedtuple("Pair", "x y")
Triple = collections.namedtuple("Triple", ["image", "label", "weight"])


class Typed(NamedTuple):
    """As newer scripts have it."""

    x: Any
    y: Any


class Sub(Pair):
    """With a method."""

    def swapped(self) -> Sub:
        return Sub(self.y, self.x)


@dataclasses.dataclass
class Sample:
    """Its weight is None where there is none."""

    x: Any
    y: Any
    sample_weight: Optional[Any] = None


@dataclasses.dataclass(frozen=True)
class Views:
    """Two inputs of a model, inside x."""

    left: Any
    right: Any


class Batches:
    """Batch `index` is what a function makes of it; a legacy class without a base."""

    def __init__(self, make: Callable[[int], Any], length: int = 3) -> None:
        self.make = make
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


Y = np.array([0.0, 1, 1, 0], np.float32)
W = np.array([1.0, 2, 9, 4], np.float32)


def rows(index: int) -> np.ndarray:
    """The x of batch `index`."""
    return np.full((4, 2), index + 1, np.float32)


def trained(labels: Any = Y, weights: Any = 1.0) -> float:
    """What a linear model's kernel sums up to after three steps of SGD(0.01) on mse.

    Plain arithmetic. Keras 2.15's own `fit_generator` ends at 0.09635 with `Y` alone,
    at 0.21578 with the weights `W`, and at 0.22502 with `class_weight={0: 1, 1: 3}`.
    """
    kernel = np.zeros(2)
    for index in range(3):
        x = rows(index).astype(np.float64)
        error = x @ kernel - labels
        kernel -= 0.01 * 2 * (weights * error) @ x / len(x)
    return float(kernel.sum())


def attrs_sample(*parts: Any) -> Any:
    import pytest  # only here, for workers import this module

    attr = pytest.importorskip("attr")
    return attr.make_class("AttrsSample", ["x", "y", "w"][: len(parts)])(*parts)
