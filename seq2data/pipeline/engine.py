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
import threading
import time
import weakref
from abc import ABC, abstractmethod
from typing import Any, Callable, Generic, Optional, TypeVar, Union

import numpy as np

from seq2data.errors import BatchError, ReadError, SourceError
from seq2data.exception_text import as_cause, summary_of
from seq2data.pipeline.error_text import with_printable_text
from seq2data.pipeline.feed import Ended, Feed
from seq2data.pipeline.reading import Reading
from seq2data.pipeline.window import Pass
from seq2data.plan.epochs import Plan
from seq2data.source.indexable import Indexable
from seq2data.source.spec import BatchSpec
from seq2data.workers.task import BatchRun
from seq2data.workers.transport.heap import HeapStore

Batches = tuple[int, list[np.ndarray]]
"""A number of batches and their arrays, each `[count, ...]`."""


class Turn:
    """One iterator over a generator; it may be told to take nothing any more."""

    def __init__(self) -> None:
        self.is_over = False


_Position = TypeVar("_Position", bound=Union[Pass, Turn])


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
        _, memory = HeapStore().make(64)
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
        position = self._positions.pop(number)
        if isinstance(position, Pass):
            position.token.cancel()

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


class Passes:
    """Begins and ends the passes over an indexable source, one thread at a time.

    Args:
        source: The source; its hooks are called here.
        plan: Counts and orders the passes.
    """

    def __init__(self, source: Indexable, plan: Plan) -> None:
        self._source = source
        self._plan = plan
        self._is_prepared = False
        self._remembered: dict[int, BatchRun] = {}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Gets the source ready for the first pass, whose first batches are read early.

        Raises:
            ReadError: Its hook raised.
        """
        self._call_hook("on_epoch_begin")
        self._is_prepared = True

    def remember(self, batches: dict[int, BatchRun]) -> None:
        """Gives the first pass batches that were read for it already, by index."""
        self._remembered = batches

    def num_batches(self) -> int:
        """How many batches a pass has that begins now."""
        return self._source.num_batches()

    def begin(self, reading: Reading, expected: Optional[int]) -> Pass:
        """A new pass over the source as it is now.

        Args:
            reading: How it is read.
            expected: How many batches the dataset has.

        Raises:
            SourceError: Its length is not the dataset's.
            ReadError: Its hook raised.
        """
        with self._lock:
            if not self._is_prepared:
                self._call_hook("on_epoch_begin")
            self._is_prepared = False
            num_batches = self._source.num_batches()
            if num_batches != expected:
                raise SourceError(
                    f"`{self._source.name}` had {expected} batches when the dataset "
                    f"was made and has {num_batches} now; a dataset derived from it "
                    "cannot change its length: iterate over the dataset itself, or "
                    "call `to_dataset` again for this pass"
                )
            remembered, self._remembered = self._remembered, {}
            if reading.pool.load(self._source):
                remembered = {}  # they were read from another state of the source
            return Pass(reading, self._plan.begin(num_batches), remembered)

    def end(self) -> None:
        """Tells the source that a pass is complete.

        Raises:
            ReadError: Its hook raised.
        """
        with self._lock:
            self._call_hook("on_epoch_end")

    def _call_hook(self, name: str) -> None:
        try:
            getattr(self._source, name)()
        except Exception as error:  # noqa: BLE001  # it is not always its cause
            raise ReadError(
                f"`{self._source.name}.{name}` raised {summary_of(error)}"
            ) from as_cause(error)


class IndexableEngine(Engine[Pass]):
    """Reads an indexable source by index, anew in every pass."""

    def __init__(
        self, reading: Reading, spec: BatchSpec, most_per_pull: int, passes: Passes
    ) -> None:
        super().__init__(reading, spec, most_per_pull)
        self.passes = passes

    def _begin(self, num_batches: Optional[int]) -> Pass:
        return self.passes.begin(self._reading, num_batches)

    def _next(self, position: Pass) -> Optional[Batches]:
        index = position.index
        # The last batch goes alone: a consumer that asks for it completes the pass.
        before_last = position.num_left - 1
        run = position.take(max(1, min(before_last, self.most_per_pull)))
        if run is None:
            return None
        batches = self._hand_over(run, index)
        if position.num_left == 0:
            self.passes.end()
        return batches


class GeneratorEngine(Engine[Turn]):
    """Reads a generator on: every pass goes on where the last one stopped.

    Attributes:
        feed: Its items, which all passes share.
        must_go_on: What a user has to do about the end of a generator that cannot begin
            again, which is an error then; empty where it may end.
    """

    def __init__(
        self, reading: Reading, spec: BatchSpec, most_per_pull: int, feed: Feed
    ) -> None:
        super().__init__(reading, spec, most_per_pull)
        self.feed = feed
        self.must_go_on = ""
        self._rehearsed: Optional[list[Turn]] = None
        self._lock = threading.Lock()

    def expect(self, *, per_pass: Optional[int] = None, must_go_on: str = "") -> None:
        """Says how many batches are asked for from now on, so that no more is read.

        Args:
            per_pass: In each pass; None where nobody knows.
            must_go_on: See above.
        """
        with self._lock:
            self.must_go_on = must_go_on
            self.feed.most_per_pass = per_pass

    def rehearse(self) -> None:
        """Begins passes whose batches serve for building a model only."""
        with self._lock:
            self._rehearsed = []
            self.feed.rehearse()

    def put_back(self) -> None:
        """Ends those passes; the next one begins where they began."""
        with self._lock:
            for turn in self._rehearsed or ():
                turn.is_over = True
            self._rehearsed = None
            self.feed.put_back()

    def _begin(self, num_batches: Optional[int]) -> Turn:
        del num_batches  # a generator has as many as it gives
        turn = Turn()
        with self._lock:
            self.feed.begin()
            if self._rehearsed is not None:
                self._rehearsed.append(turn)
        return turn

    def _next(self, position: Turn) -> Optional[Batches]:
        feed = self.feed
        with self._lock:
            if position.is_over:
                return 0, []
            run = feed.peek()
            if run is None:
                return None
            if isinstance(run, Ended):
                self._check_end()
                return 0, []
            batches = self._hand_over(run, feed.index)
            feed.take()
            return batches

    def _check_end(self) -> None:
        if self.must_go_on and not self.feed.restarts:
            raise SourceError(
                f"`{self.feed.name}` came to its end after {self.feed.index} batches: "
                f"{self.must_go_on}"
            )
