"""What the scenarios' programs share: a model that tells what it was trained on.

Imported by workers too, so it imports neither TensorFlow nor Keras by itself.
"""

from __future__ import annotations

import faulthandler
import signal
from typing import Any

import numpy as np

from tests.keras_version import IS_KERAS_3

# The watchdog asks every process of a program for its stacks so, workers too.
faulthandler.register(signal.SIGUSR1, all_threads=True)


class Numbered:
    """A legacy Sequence whose batches tell their index: `(x, y)`, both `[2, 1]`."""

    def __init__(self, num_batches: int = 12) -> None:
        self.num_batches = num_batches

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, index: int) -> Any:
        return batch(index)


def batch(index: float) -> tuple[np.ndarray, np.ndarray]:
    """A batch that tells `index`."""
    x = np.full((2, 1), index, np.float32)
    return x, np.zeros((2, 1), np.float32)


def indices(dataset: Any) -> list[int]:
    """The indices that the batches of one pass tell, in their order."""
    return [int(x.numpy().flat[0]) for x, _ in dataset]


def recorder() -> Any:
    """A Keras model; `model.seen` holds the indices of the batches it trained on."""
    from tensorflow import keras

    class Recorder(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[int] = []
            self.evaluated: list[int] = []
            self.dense = keras.layers.Dense(1)

        def call(self, x: Any, training: bool = False) -> Any:
            del training
            return self.dense(x)

        def train_step(self, data: Any) -> dict[str, Any]:
            self.seen.append(int(np.asarray(data[0]).flat[0]))
            return {"loss": 0.0}

        def test_step(self, data: Any) -> dict[str, Any]:
            self.evaluated.append(int(np.asarray(data[0]).flat[0]))
            return {"loss": 0.0}

    model = Recorder()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    model(np.zeros((2, 1), np.float32))
    return model


def fit_legacy(
    source: Any,
    model: Any = None,
    workers: int = 2,
    use_multiprocessing: bool = True,
    **options: Any,
) -> Any:
    """Trains the legacy way, without shuffling; returns the model.

    Args:
        source: An object with `__len__` and `__getitem__`, which becomes what the
            installed Keras wants: a Sequence (2) or a PyDataset (3). Anything else is
            passed on.
        model: None for a new `recorder()`.
        workers: As Keras 2's `fit` has it; Keras 3 has it on the PyDataset.
        use_multiprocessing: The same.
        **options: Of `model.fit`.
    """
    model = recorder() if model is None else model
    options = {"verbose": 0, "shuffle": False, **options}
    if not IS_KERAS_3:
        options.update(workers=workers, use_multiprocessing=use_multiprocessing)
    for name in ("source", "validation_data"):
        value = source if name == "source" else options.get(name)
        if hasattr(value, "__getitem__") and hasattr(value, "__len__"):
            value = as_sequence(value, workers, use_multiprocessing)
        if name == "source":
            source = value
        elif value is not None:
            options[name] = value
    model.fit(source, **options)
    return model


def as_sequence(source: Any, workers: int = 2, use_multiprocessing: bool = True) -> Any:
    """The same source as an instance of the installed Keras's own class."""
    from tensorflow import keras

    if not IS_KERAS_3:
        sequence = object.__new__(_wrapper(keras.utils.Sequence))
    else:
        sequence = _wrapper(keras.utils.PyDataset)(
            workers=workers, use_multiprocessing=use_multiprocessing
        )
    sequence.source = source
    return sequence


def _wrapper(base: Any) -> Any:
    class Sequence(base):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(self.source)

        def __getitem__(self, index: int) -> Any:
            return self.source[index]

        def on_epoch_begin(self) -> None:
            getattr(self.source, "on_epoch_begin", lambda: None)()

        def on_epoch_end(self) -> None:
            getattr(self.source, "on_epoch_end", lambda: None)()

    return Sequence
