"""The losses of a training, from the batches it trained on, in float64.

The programs' model is linear, its weights are set by hand and its optimiser is SGD, so
each loss follows from the batches before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.train.program_run import BIAS, KERNEL, LEARNING_RATE
from tests.train.program_sources import SAMPLES, features, sample_weights, targets
from tests.train.programs import Program


class Line:
    """A linear output and its SGD, in float64."""

    def __init__(self, flipped: bool, table: Any) -> None:
        self.kernel = np.ravel(np.array(KERNEL))
        self.bias = BIAS[0]
        self.flipped = flipped
        self.table = table

    def predict(self, code: int) -> np.ndarray:
        return features(code).astype(float) @ self.kernel + self.bias

    def squares(self, code: int) -> np.ndarray:
        return self._error(code) ** 2

    def train(self, code: int, weights: np.ndarray) -> float:
        """The loss before the step that is taken."""
        error = self._error(code)
        if self.table:
            classes = targets(code, self.flipped)[:, :2].argmax(axis=1)
            weights = weights * [self.table[c] for c in classes]
        gradient = 2 * weights * error / len(error)
        self.kernel = self.kernel - LEARNING_RATE * gradient @ features(code)
        self.bias -= LEARNING_RATE * gradient.sum()
        return float(np.mean(weights * error**2))

    def _error(self, code: int) -> np.ndarray:
        y = targets(code, self.flipped).astype(float)
        return self.predict(code) - y[:, 1] - y[:, 2]


def lines_of(program: Program) -> list[Line]:
    table = program.class_weight
    if "outputs" in program.nesting:
        table = table or {}
        return [Line(False, table.get("first")), Line(True, table.get("second"))]
    return [Line(False, table)]


def losses_of(program: Program, trained: list[list[int]]) -> list[list[float]]:
    """The losses of a training on these batches, in any legacy system as well."""
    lines = lines_of(program)
    return [[sum(step(program, lines, code)) for code in epoch] for epoch in trained]


def step(program: Program, lines: list[Line], code: int) -> list[float]:
    is_weighted = program.nesting == "weighted"
    weights = sample_weights(code) if is_weighted else np.ones(SAMPLES)
    return [line.train(code, weights) for line in lines]
