"""Owns the workers of one dataset, and begins and ends its passes.

TensorFlow calls `pull` for each iterator, one call after the other and only when its
consumer wants more. So a pass is over exactly when its last batch is handed over, a
generator is never read past what was asked for plus the window, and a dataset that
nobody pulls from does nothing.

An iterator has no name in Python. Its first pull begins a pass and gives back a
*lifeline*: an int64 array holding the pass's number, whose memory TensorFlow takes over
as the iterator's state. The array dies with the iterator, and its finalizer cancels the
pass; only TensorFlow holds it.
"""

from __future__ import annotations

import itertools
import os
import time
import weakref
from abc import ABC, abstractmethod
from typing import Any, Callable, Generic, Optional, Protocol, TypeVar

import numpy as np

from seq2data.errors import BatchError, SourceError
from seq2data.pipeline.error_text import with_printable_text
from seq2data.pipeline.readers import Reading
from seq2data.source.spec import BatchSpec
from seq2data.workers.task import BatchRun
from seq2data.workers.transport.heap import HeapWriter

Batches = tuple[int, list[np.ndarray]]
"""A number of batches and their arrays, each `[count, ...]`."""


class Position(Protocol):
    """Where an iterator is."""

    def cancel(self) -> None:
        """Ends it, for its iterator is gone; takes no lock."""


_Position = TypeVar("_Position", bound=Position)


class Engine(ABC, Generic[_Position]):
    """What the engines of indexable sources and of generators have in common.

    Args:
        reading: How batches are read; the engine owns its pool.
        spec: What every batch is held to.
        most_per_pull: 1, or more where several batches may be handed over at once.
    """

    def __init__(self, reading: Reading, spec: BatchSpec, most_per_pull: int) -> None:
        self.spec = spec
        self.on_error: Callable[[Exception], object] = ignore
        """Called with what a pull raises, which TensorFlow turns into a text."""
        self.delivered = 0
        """Batches handed over, in all passes."""
        self.waited_s = 0.0
        """Seconds in which a consumer that wanted a batch waited for it."""
        self._reading = reading
        self._owner = os.getpid()
        self.most_per_pull = most_per_pull
        self._positions: dict[int, _Position] = {}
        self._numbers = itertools.count(1)
        self._lifelines: dict[int, weakref.ref[np.ndarray]] = {}
        weakref.finalize(self, reading.pool.close, wait=False).atexit = False

    @property
    def readers(self) -> str:
        """Who reads, such as `8 processes`."""
        return self._reading.pool.readers

    @property
    def has_passes(self) -> bool:
        """Whether an iterator is alive."""
        return bool(self._lifelines)

    def check_process(self) -> None:
        """Refuses to read in a fork of the process that has the readers.

        Raises:
            SourceError: This process has none: no thread of ours has come with it.
        """
        if os.getpid() != self._owner:
            raise SourceError(
                f"this dataset of `{self._reading.name}` was made in process "
                f"{self._owner}, and its readers are that process's; in a fork of it "
                f"(this is process {os.getpid()}) call `to_dataset` again"
            )

    def pull(
        self, state: np.ndarray, num_batches: Optional[int]
    ) -> tuple[np.ndarray, Optional[Batches]]:
        """The next batches of an iterator, and its state.

        Args:
            state: Empty at the iterator's first pull, then what the last one returned.
            num_batches: How many the iterator's dataset has, None for a generator's.

        Returns:
            The state, and the batches: None where there are none yet, 0 at the end.

        Raises:
            Seq2DataError: They could not be read, or break the spec.
        """
        began = time.monotonic()
        try:
            self.check_process()
            lifeline = self._lifeline(state, num_batches)
            self._reading.note_exchange()
            batches = self._next(self._positions[int(lifeline[0])])
            self.delivered += 0 if batches is None else batches[0]
            return lifeline, batches
        except Exception as error:
            self.on_error(error)
            printable = with_printable_text(error)
            if printable is error:
                raise
            raise printable from None
        finally:
            self.waited_s += time.monotonic() - began

    def _lifeline(self, state: np.ndarray, num_batches: Optional[int]) -> np.ndarray:
        if state.size:
            lifeline = self._lifelines[int(state[0])]()
            assert lifeline is not None  # `state` is a view of its memory
            return lifeline
        position = self._begin(num_batches)
        number = next(self._numbers)
        _, memory = HeapWriter().make(64)
        lifeline = memory.view(np.int64)
        lifeline[:] = number
        self._positions[number] = position
        self._lifelines[number] = weakref.ref(lifeline)
        # Weakly: finalizers are global, and an error's traceback may hold the lifeline.
        end = weakref.finalize(lifeline, _end_pass, weakref.ref(self), number)
        end.atexit = False
        return lifeline

    def end_pass(self, number: int) -> None:
        """Forgets a pass whose iterator is gone."""
        del self._lifelines[number]
        self._positions.pop(number).cancel()

    @abstractmethod
    def _begin(self, num_batches: Optional[int]) -> _Position:
        """Begins a pass."""

    @abstractmethod
    def _next(self, position: _Position) -> Optional[Batches]:
        """The next batches of a pass."""

    def _hand_over(self, run: BatchRun, index: int) -> Batches:
        try:
            return run.count, self.spec.conform(run.structure, run.arrays, index)
        except BatchError as error:
            named = f"`{self._reading.name}`: {error}"
            raise BatchError(named, error.index) from None


def ignore(error: Exception) -> None:
    """What `on_error` is without anybody who wants to know."""


def _end_pass(engine: weakref.ref[Engine[Any]], number: int) -> None:
    """Takes no lock: it runs wherever TensorFlow drops the iterator's state."""
    alive = engine()
    if alive is not None:
        alive.end_pass(number)
