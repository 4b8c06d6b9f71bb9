"""Reads the items of a generator ahead, and gives them to its iterators.

A generator cannot go back, so all iterators over it share one window, and each goes on
where the last one stopped. Where it is known how many items are wanted, no further one
is read, because the user may call the generator as well.
"""

from __future__ import annotations

from collections import deque
from typing import Optional, Union

from seq2data.errors import SourceError
from seq2data.pipeline.readers import Reading
from seq2data.workers.task import BatchRun, Task


class Ended:
    """Stands for the end of a generator."""


ENDED = Ended()
NextItem = Union[BatchRun, Ended, None]
"""An item, the end, or None if neither is there yet."""


class Feed:
    """The items of a generator, shared by all epochs; one thread at a time uses it.

    Args:
        reading: Reads the items; its pool has one worker.
        restarts: See below.
        name: The source's, for messages.

    Attributes:
        restarts: True if a new run begins at the epoch after the end.
        name: See above.
        most_per_epoch: How many items an epoch takes, None where that is unknown.
    """

    def __init__(self, reading: Reading, restarts: bool, name: str) -> None:
        self.restarts = restarts
        self.name = name
        self.most_per_epoch: Optional[int] = None
        self._reading = reading
        self._task_wait = reading.task_wait()
        # A run is what one generator gives, from its start to its end.
        self._runs_begun = 0
        # Items of this run that were submitted, and that were taken.
        self._submitted = 0
        self._taken = 0
        # Nothing is read ahead past this position; None for no bound.
        self._stop: Optional[int] = None
        self._has_ended = False
        # In order: items that are being read, or were read and not taken yet.
        self._window: deque[Task] = deque()
        # What was taken since `mark`, which `rewind` gives back; None without a mark.
        self._since_mark: Optional[list[Task]] = None
        self._most_ahead = 0
        # True until the epoch's first item is taken.
        self._is_first = False

    @property
    def index(self) -> int:
        """The position of the item that comes next."""
        return self._taken

    def begin(self) -> None:
        """Begins an epoch, which reads ahead and goes on where the last one stopped.

        Raises:
            SourceError: The generator came to its end and cannot begin again.
        """
        self._most_ahead = self._reading.most_tasks
        self._is_first = True
        most = self.most_per_epoch
        self._stop = None if most is None else self._taken + most
        if not self._has_ended:
            return
        if not self.restarts:
            raise SourceError(
                f"`{self.name}` came to its end after {self._taken} batches and a "
                "generator cannot begin again: pass the function that makes it, so "
                "that each epoch can call it again"
            )
        self._has_ended = False
        self._runs_begun += 1
        if self._stop is not None:
            self._stop -= self._taken
        self._submitted = self._taken = 0
        self._window.clear()

    def mark(self) -> None:
        """Marks this position; `rewind` returns to it."""
        self._since_mark = []

    def rewind(self) -> None:
        """Returns to the marked position, and removes the mark."""
        taken, self._since_mark = self._since_mark or [], None
        if taken:
            self._window.extendleft(reversed(taken))
            self._taken -= len(taken)
            self._has_ended = False

    def read_ahead(self) -> int:
        """Fills the window; returns how many items are ahead."""
        if self._has_ended:
            return 0
        self._fill(0)
        return len(self._window)

    def peek(self, ahead: int = 0) -> NextItem:
        """Returns the item `ahead` places on; None if it is not there after a moment.

        Raises:
            Seq2DataError: It could not be read.
        """
        if self._has_ended:
            return ENDED
        self._fill(ahead + 1)
        result = self._task_wait.wait(self._window[ahead])
        if result is None:
            return None
        if result.runs:
            return result.runs[0]
        if ahead == 0:
            self._has_ended = True
            if result.error is None and self._is_first and self._taken:
                # The epoch before took the last item, and did not ask for the end.
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
        """Moves on to the item after the next one, which was peeked at."""
        task = self._window.popleft()
        if self._since_mark is not None:
            self._since_mark.append(task)
        self._is_first = False
        self._taken += 1
        self._fill(0)

    def _fill(self, least: int) -> None:
        """Fills the window with what is read ahead, and with `least` items at least."""
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
