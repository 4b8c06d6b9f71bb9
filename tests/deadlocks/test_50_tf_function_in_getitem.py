"""`__getitem__` calls a `tf.function`.

tensorflow#35317, keras#20619: in a forked worker the runtime's threads are missing, so
the function waits for ever once the parent has run TensorFlow.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import HANGS, Outcome, Program
from tests.deadlocks.scenario import Numbered, fit_legacy, indices

_functions: dict[str, Any] = {}


def brighten(image: np.ndarray, autograph: bool) -> np.ndarray:
    """A traced function; each process traces its own, once."""
    import tensorflow as tf

    if "brighten" not in _functions:

        @tf.function(autograph=autograph)
        def brighten(image: Any) -> Any:
            # Large enough to be split between threads.
            return tf.linalg.matmul(tf.image.resize(image, [300, 300])[..., 0], EYE)

        _functions["brighten"] = brighten
    return _functions["brighten"](image).numpy()


EYE = np.eye(300, dtype=np.float32)


class Augmented(Numbered):
    """The batch's number, after a way through TensorFlow."""

    autograph = False

    def __getitem__(self, index: int) -> Any:
        image = np.full((100, 100, 1), index, np.float32)
        image = brighten(image, self.autograph)
        x, y = super().__getitem__(index)
        return x * 0 + np.round(image.mean()), y


class Converted(Augmented):
    """The same function, rewritten by AutoGraph, for which TensorFlow makes a file."""

    autograph = True


def ours(source_class: type[Augmented] = Augmented) -> None:
    from seq2data import to_dataset

    source = source_class()
    source[0]
    dataset = to_dataset(source, workers=2)
    for _ in range(2):
        print(indices(dataset))
    print("every batch once, in order")


def converted() -> None:
    sys.dont_write_bytecode = True  # what TensorFlow leaves of this process is its own
    ours(Converted)


def legacy() -> None:
    print(fit_legacy(Augmented()).seen)


def test_function_runs_in_workers(ours: Outcome) -> None:
    assert ours.succeed()[:2] == [str(list(range(12)))] * 2


def test_files_of_autograph_go_with_the_worker(start: Callable[..., Program]) -> None:
    outcome = start("converted", PYTHONDONTWRITEBYTECODE="").finish(120)
    assert outcome.code == 0, outcome.errors
    assert outcome.lines[:2] == [str(list(range(12)))] * 2
    if outcome.left:
        raise FileExistsError(outcome.left)


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
