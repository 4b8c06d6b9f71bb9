"""Errors of the pipeline come out of Keras as what they were.

TensorFlow makes a text of an exception that a Python function raised, and an OpError of
the text. The exception itself is still in this process.
"""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, Optional

import tensorflow as tf

from seq2data.errors import ReadError
from seq2data.pipeline.dataset import SourceDataset
from seq2data.pipeline.engine import ignore


class Failures:
    """A `with` block whose OpErrors are replaced by what their datasets raised."""

    def __init__(self) -> None:
        self._raised: list[Exception] = []
        self._datasets: list[SourceDataset] = []

    def watch(self, dataset: SourceDataset) -> None:
        """Listens to a dataset that is read in the block."""
        self._datasets.append(dataset)
        dataset.engine.on_error = self._raised.append

    def __enter__(self) -> Failures:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        # An error's traceback refers to the dataset that would refer to the error.
        raised, self._raised = self._raised, []
        while self._datasets:
            self._datasets.pop().engine.on_error = ignore
        if isinstance(error, ReadError):  # of the batches that are read at once
            raise_what_it_was(error)
        if raised and isinstance(error, tf.errors.OpError):
            raise_what_it_was(raised[0])  # those after it say that the pass has ended


def raise_what_it_was(error: Exception) -> NoReturn:
    """Raises what the user's code raised, or what seq2data has found itself."""
    original = error.__cause__
    if not isinstance(error, ReadError) or not isinstance(original, Exception):
        raise error.with_traceback(None) from None
    error.__cause__ = None
    # The ReadError says which batch, and has the worker's traceback.
    raise original from error.with_traceback(None)
