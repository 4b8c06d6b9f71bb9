"""The items of a generator that are being read ahead, and who takes them.

A generator cannot be told to go back, so all iterators over it share one window, and
each goes on where the last one stopped. Nothing is read that nobody will ask for where
it is known how much that is: the user may call the generator as well.
"""

from __future__ import annotations

from collections import deque
from typing import Optional, Union

from seq2data.errors import SourceError
from seq2data.pipeline.reading import Reading
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
        self._patience = reading.patience()
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

    def stop_after(self, num_items: Optional[int]) -> None:
        """Reads so many further items ahead and no more; None for no limit."""
        self._stop = None if num_items is None else self._taken + num_items

    def begin(self) -> None:
        """Gets ready for a pass, which reads ahead: goes on where the last one stopped.

        Raises:
            SourceError: The generator came to its end and cannot begin again.
        """
        self._most_ahead = self._reading.most_tasks
        self._is_first = True
        if self.most_per_pass is not None:
            self.stop_after(self.most_per_pass)
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
