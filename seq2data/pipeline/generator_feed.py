"""The items of a generator that are being read ahead, and who takes them.

A generator cannot be told to go back, so all iterators over it share one window, and
each goes on where the last one stopped. Nothing is read that nobody will ask for where
it is known how much that is: the user may call the generator as well.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Optional, Union

from seq2data.errors import SourceError
from seq2data.pipeline.engine import Batches, Engine
from seq2data.pipeline.readers import Reading
from seq2data.source.spec import BatchSpec
from seq2data.workers.task import BatchRun, Task


class Ended:
    """Says that a generator has no further item."""


ENDED = Ended()
Peeked = Union[BatchRun, Ended, None]


class Feed:
    """The items of a generator, shared by all passes: its position is its own.

    Args:
        reading: How; its pool has one worker.
        restarts: Whether a new run begins at the pass after the end.
        name: For messages.

    Attributes:
        restarts: Whether a new run begins at the pass after the end.
        name: For messages.
        most_per_pass: How many items a pass takes, None where nobody knows.
    """

    def __init__(self, reading: Reading, restarts: bool, name: str) -> None:
        self.restarts = restarts
        self.name = name
        self.most_per_pass: Optional[int] = None
        self._reading = reading
        self._patience = reading.task_wait()
        self._runs_begun = 0
        self._submitted = 0
        self._taken = 0
        self._stop: Optional[int] = None  # nothing is read ahead past this position
        self._has_ended = False
        self._window: deque[Task] = deque()
        self._rehearsed: Optional[list[Task]] = None
        self._most_ahead = 0
        self._is_first = False

    @property
    def index(self) -> int:
        """The position of the item that comes next."""
        return self._taken

    def begin(self) -> None:
        """Gets ready for a pass, which reads ahead: goes on where the last one stopped.

        Raises:
            SourceError: The generator came to its end and cannot begin again.
        """
        self._most_ahead = self._reading.most_tasks
        self._is_first = True
        most = self.most_per_pass
        self._stop = None if most is None else self._taken + most
        if not self._has_ended:
            return
        if not self.restarts:
            raise SourceError(
                f"`{self.name}` came to its end after {self._taken} batches and a "
                "generator cannot begin again: pass the function that makes it, so "
                "that each pass can call it anew"
            )
        self._has_ended = False
        self._runs_begun += 1
        if self._stop is not None:
            self._stop -= self._taken
        self._submitted = self._taken = 0
        self._window.clear()

    def rehearse(self) -> None:
        """What is taken from now on will be put back."""
        self._rehearsed = []

    def put_back(self) -> None:
        """Goes on where the rehearsal began."""
        taken, self._rehearsed = self._rehearsed or [], None
        if taken:
            self._window.extendleft(reversed(taken))
            self._taken -= len(taken)
            self._has_ended = False

    def read_ahead(self) -> int:
        """Has items read; how many are there, or on their way."""
        if self._has_ended:
            return 0
        self._fill(0)
        return len(self._window)

    def peek(self, ahead: int = 0) -> Peeked:
        """The item `ahead` places on; None if it is not there after a moment.

        Raises:
            Seq2DataError: It could not be read.
        """
        if self._has_ended:
            return ENDED
        self._fill(ahead + 1)
        result = self._patience.wait(self._window[ahead])
        if result is None:
            return None
        if result.runs:
            return result.runs[0]
        if ahead == 0:
            self._has_ended = True
            if result.error is None and self._is_first and self._taken:
                # The pass before took the last item, and did not ask for the end.
                self.begin()
                return None
        if result.error is None:
            self._check_run()
            return ENDED
        try:
            raise result.error
        finally:
            del result  # or the error's traceback would refer to the error

    def _check_run(self) -> None:
        if self._runs_begun and not self._taken:
            raise SourceError(
                f"`{self.name}` was called again and gave no batch: it must make a new "
                "generator each time it is called"
            )

    def take(self) -> None:
        """Marks the next item as delivered."""
        task = self._window.popleft()
        if self._rehearsed is not None:
            self._rehearsed.append(task)
        self._is_first = False
        self._taken += 1
        self._fill(0)

    def _fill(self, least: int) -> None:
        """Has the items read that come next: `least`, and those that are read ahead."""
        while len(self._window) < max(least, self._num_ahead()):
            task = Task(
                self._runs_begun,
                self._reading.entropy,
                (self._submitted,),
                is_repeatable=False,
            )
            self._submitted += 1
            self._window.append(task)
            self._reading.pool.submit(task)

    def _num_ahead(self) -> int:
        if self._stop is None:
            return self._most_ahead
        return min(self._most_ahead, self._stop - self._taken)


class Turn:
    """One iterator over a generator; it may be told to take nothing any more."""

    def __init__(self) -> None:
        self.is_over = False

    def cancel(self) -> None:
        """Ends the turn."""
        self.is_over = True


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
