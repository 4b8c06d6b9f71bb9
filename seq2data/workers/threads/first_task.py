"""The first task of an epoch, for which the other threads wait."""

from __future__ import annotations

import threading
from typing import Optional

from seq2data.workers.task import Task


class FirstTask:
    """Keeps threads waiting while the first task of a pass is read.

    That is for sources that set attributes when they are read: what the first read of a
    pass sets must not depend on which thread is the fastest. Only tasks wait that were
    submitted after the first one, so that some thread will come to that. A wait ends
    when it is read or was taken away, or on close.

    Attributes:
        is_special: Whether the source is one of these.
    """

    def __init__(self) -> None:
        self.is_special = False
        self._is_expected = False
        self._task: Optional[Task] = None
        self._behind: set[Task] = set()
        # Its lock is reentrant, since finalizers close pools, in whatever thread.
        self._changed = threading.Condition()

    def expect(self) -> None:
        """Makes the task that is submitted next the first one."""
        self._is_expected = True

    def submitted(self, task: Task) -> None:
        """Notes that a task was submitted."""
        with self._changed:
            if self._task is not None:
                self._behind.add(task)
            elif self._is_expected:
                self._task = task
            self._is_expected = False

    def enter(self, task: Task) -> None:
        """Returns when a task may be read."""
        with self._changed:
            self._changed.wait_for(lambda: task not in self._behind)

    def ended(self, task: Task) -> None:
        """Lets the others go if it was the first."""
        if task is self._task:
            self.close()

    def close(self) -> None:
        """Lets all go."""
        with self._changed:
            self._task = None
            self._behind.clear()
            self._changed.notify_all()
