"""One call of `fit`, `evaluate` or `predict`: what its datasets raised, and their cost.

TensorFlow makes a text of an exception that a Python function raised, and an OpError of
the text. The exception itself is still in this process, and comes out of the call.

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
    """A dataset of the call, as it was before."""

    engine: Engine[Any]
    delivered: int
    waited_s: float


class Call:
    """A `with` block whose OpErrors are replaced by what their datasets raised.

    Args:
        name: `fit`, `evaluate` or `predict`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._raised: list[Exception] = []
        self._watched: list[_Watched] = []
        self.engines: dict[str, Engine[Any]] = {}
        """What is read in the block, by kind."""

    def watch(self, dataset: SourceDataset, kind: str) -> None:
        """Listens to a dataset that is read in the block; the first is the call's x.

        Args:
            dataset: Opened by seq2data.
            kind: What it is for: "train", "test" or "predict".
        """
        engine = dataset.engine
        self.engines[kind] = engine
        self._watched.append(_Watched(engine, engine.delivered, engine.waited_s))
        engine.on_error = self._raised.append

    def __enter__(self) -> Call:
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        # An error's traceback refers to the dataset that would refer to the error.
        raised, self._raised = self._raised, []
        watched, self._watched = self._watched, []
        self.engines.clear()
        for one in watched:
            one.engine.on_error = ignore
            if isinstance(
                one.engine, GeneratorEngine
            ):  # may be a dataset of the user's
                one.engine.rewind()
                one.engine.expect()
        if watched:
            self._log(watched)
        if isinstance(error, ReadError):  # of the batches that are read at once
            raise_what_it_was(error)
        if raised and isinstance(error, tf.errors.OpError):
            raise_what_it_was(raised[0])  # those after it say that the pass has ended

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


def raise_what_it_was(error: Exception) -> NoReturn:
    """Raises what the user's code raised, or what seq2data has found itself."""
    original = error.__cause__
    if not isinstance(error, ReadError) or not isinstance(original, Exception):
        raise error.with_traceback(None) from None
    error.__cause__ = None
    # The ReadError says which batch, and has the worker's traceback.
    raise original from error.with_traceback(None)
