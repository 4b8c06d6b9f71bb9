"""One call of `fit`, `evaluate` or `predict`: the errors and waits of its datasets.

TensorFlow turns an exception of a Python function into a text, and raises an OpError
with that text. The exception itself is still in this process. The call raises it.

At its end a call logs one line at level INFO, which `seq2data run` shows.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Optional

import tensorflow as tf

from seq2data.errors import ReadError
from seq2data.pipeline.engine import Engine, ignore
from seq2data.pipeline.generator_engine import GeneratorEngine
from seq2data.pipeline.source_dataset import SourceDataset

logger = logging.getLogger("seq2data")


@dataclass(frozen=True)
class _Watched:
    """The engine of a dataset, and its counters before the call."""

    engine: Engine[Any]
    delivered: int
    waited_s: float


class KerasCall:
    """A `with` block that replaces an OpError by the exception of the dataset.

    Args:
        name: `fit`, `evaluate` or `predict`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._raised: list[Exception] = []
        self._watched: list[_Watched] = []
        self.engines: dict[str, Engine[Any]] = {}
        """What the block reads, by kind."""

    def watch(self, dataset: SourceDataset, kind: str) -> None:
        """Collects the errors of a dataset that the block reads, until its end.

        Args:
            dataset: A dataset that seq2data opened; the first one is the call's `x`.
            kind: What it is for: "train", "test" or "predict".
        """
        engine = dataset.engine
        self.engines[kind] = engine
        self._watched.append(_Watched(engine, engine.delivered, engine.waited_s))
        engine.on_error = self._raised.append

    def __enter__(self) -> KerasCall:
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        # The traceback refers to the dataset, which must not refer to the error.
        raised, self._raised = self._raised, []
        watched, self._watched = self._watched, []
        self.engines.clear()
        for one in watched:
            one.engine.on_error = ignore
            # The user may have opened the dataset, and may read it after this call.
            if isinstance(one.engine, GeneratorEngine):
                one.engine.rewind()
                one.engine.expect()
        if watched:
            self._log(watched)
        if isinstance(error, ReadError):  # raised when the dataset was opened
            raise_original(error)
        if raised and isinstance(error, tf.errors.OpError):
            raise_original(raised[0])  # later ones only say that the epoch has ended

    def _log(self, watched: list[_Watched]) -> None:
        seconds = time.monotonic() - self._began
        waited_s = sum(one.engine.waited_s - one.waited_s for one in watched)
        counts = [one.engine.delivered - one.delivered for one in watched]
        logger.info(
            "%s: %s batches, %.0f %% of %.1f s waiting for input, %s",
            self._name,
            " + ".join(map(str, counts)),
            100 * waited_s / max(seconds, waited_s, 1e-9),
            seconds,
            watched[0].engine.readers,
        )


def raise_original(error: Exception) -> NoReturn:
    """Raises the exception of the user's code, or the error of seq2data."""
    original = error.__cause__
    if not isinstance(error, ReadError) or not isinstance(original, Exception):
        raise error.with_traceback(None) from None
    error.__cause__ = None
    # As the cause, the ReadError names the batch and holds the worker's traceback.
    raise original from error.with_traceback(None)
