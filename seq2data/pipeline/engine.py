"""Owns the workers of one dataset, and knows where each of its iterators stands.

TensorFlow calls `pull` for each iterator, one call after the other, and only when its
consumer wants more. So an epoch is complete exactly when its last batch is handed over,
a generator is never read past what was asked for plus the window, and a dataset that is
not iterated over does nothing.

An iterator has no name in Python. Its first pull makes an int64 array that holds its
number. TensorFlow takes over the array's memory as the iterator's state, and only
TensorFlow holds it. So the array dies with the iterator, and its finalizer cancels what
is read for it.
"""

from __future__ import annotations

import itertools
import os
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Callable, Generic, Optional, Protocol, TypeVar

import numpy as np

from seq2data.errors import BatchError, SourceError
from seq2data.pipeline.error_text import with_printable_text
from seq2data.pipeline.readers import Reading
from seq2data.source.spec import BatchSpec, SpecCheck
from seq2data.workers.task import BatchRun
from seq2data.workers.transport.heap import HeapWriter

Batches = tuple[int, list[np.ndarray]]
"""A number of batches and their arrays, each `[count, ...]`."""

# TensorFlow takes over memory of this size without a copy.
_STATE_BYTES = 64


class Position(Protocol):
    """The place that an iterator has reached."""

    def cancel(self) -> None:
        """Ends what is done for the iterator, which is gone; takes no lock."""


class HasIndex(Protocol):
    """What batches were taken from."""

    @property
    def index(self) -> int:
        """The source's index of the first batch that was taken last."""


_Position = TypeVar("_Position", bound=Position)


class Engine(ABC, Generic[_Position]):
    """The common part of the engines of indexable sources and of generators.

    Args:
        reading: Reads the batches; the engine owns its pool.
        spec: Every batch has to fit it.

    Attributes:
        spec: See above.
        on_error: Called with what a pull raises, in TensorFlow's thread. TensorFlow
            keeps only its text.
        delivered: Batches handed over, in all epochs; pulls write it.
        waited_s: Seconds that consumers have waited in pulls; pulls write it.
    """

    def __init__(self, reading: Reading, spec: BatchSpec) -> None:
        self.spec = spec
        self._check = SpecCheck(spec)
        self.on_error: Callable[[Exception], object] = ignore
        self.delivered = 0
        self.waited_s = 0.0
        self._reading = reading
        self._owner = os.getpid()
        # By the iterator's number. Its pulls and its finalizer use its own entry only.
        self._positions: dict[int, _Position] = {}
        self._states: dict[int, weakref.ref[np.ndarray]] = {}
        self._numbers: Iterator[int] = itertools.count(1)
        weakref.finalize(self, reading.pool.close, wait=False).atexit = False

    @property
    def readers(self) -> str:
        """The kind and number of readers, such as `8 processes`."""
        return self._reading.pool.readers

    @property
    def has_iterators(self) -> bool:
        """True if an iterator is alive."""
        return bool(self._states)

    def check_process(self) -> None:
        """Refuses to read in a fork of the process that has the readers.

        Raises:
            SourceError: This process is such a fork: no reader has come with it.
        """
        if os.getpid() != self._owner:
            raise SourceError(
                f"this dataset of `{self._reading.name}` was made in process "
                f"{self._owner}, which has its readers; in a fork of that process "
                f"(this is process {os.getpid()}) call `to_dataset` again"
            )

    def pull(
        self, state: np.ndarray, num_batches: Optional[int]
    ) -> tuple[np.ndarray, Optional[Batches]]:
        """Returns the next batches of an iterator, and its state.

        Args:
            state: Empty at the iterator's first pull, then what the last one returned.
            num_batches: How many the iterator's dataset has, None for a generator's.

        Returns:
            The state, and the batches: None where there are none yet, 0 at the end.

        Raises:
            Seq2DataError: They could not be read, or do not fit the spec.
        """
        began = time.monotonic()
        try:
            self.check_process()
            state = self._known_state(state, num_batches)
            self._reading.array_release.has_exchanged = True
            batches = self._next(self._positions[int(state[0])])
            self.delivered += 0 if batches is None else batches[0]
            return state, batches
        except Exception as error:
            self.on_error(error)
            printable = with_printable_text(error)
            if printable is error:
                raise
            raise printable from None
        finally:
            self.waited_s += time.monotonic() - began

    def _known_state(self, state: np.ndarray, num_batches: Optional[int]) -> np.ndarray:
        """Returns the array whose memory `state` is; makes it at the first pull."""
        if state.size:
            known = self._states[int(state[0])]()
            assert known is not None  # `state` is a view of its memory
            return known
        position = self._begin(num_batches)
        number = next(self._numbers)
        _, memory = HeapWriter().make(_STATE_BYTES)
        made = memory.view(np.int64)
        made[:] = number
        self._positions[number] = position
        self._states[number] = weakref.ref(made)
        # Weakly: finalizers are global, and an error's traceback may hold the array.
        end = weakref.finalize(made, _end_iterator, weakref.ref(self), number)
        end.atexit = False
        return made

    def end_iterator(self, number: int) -> None:
        """Forgets an iterator that is gone."""
        del self._states[number]
        self._positions.pop(number).cancel()

    @abstractmethod
    def _begin(self, num_batches: Optional[int]) -> _Position:
        """Returns the position of a new iterator; does not wait."""

    @abstractmethod
    def _next(self, position: _Position) -> Optional[Batches]:
        """Returns the next batches, None if there are none yet after a moment."""

    def _checked(self, run: BatchRun, source: HasIndex) -> Batches:
        """Returns batches that fit the spec.

        Args:
            run: The batches.
            source: Has given them, and knows the index of the first.

        Raises:
            BatchError: They do not fit.
        """
        if self._check.is_like_last(run.structure, run.arrays):
            return run.count, list(run.arrays)
        try:
            conformed = self._check.conform(run.structure, run.arrays, source.index)
            return run.count, conformed
        except BatchError as error:
            named = f"`{self._reading.name}`: {error}"
            raise BatchError(named, error.index) from None


def ignore(error: Exception) -> None:
    """Does nothing; it is what `on_error` is first."""


def _end_iterator(engine: weakref.ref[Engine[Any]], number: int) -> None:
    """Takes no lock: it runs wherever TensorFlow drops the iterator's state."""
    alive = engine()
    if alive is not None:
        alive.end_iterator(number)
