"""Makes threads wait for the first task of an epoch, where its read sets attributes.

What such a read sets must not depend on which thread is the fastest. Processes have
another rule for the same: `processes/first_read_policy.py`.
"""

from __future__ import annotations

import threading
from typing import Optional

from seq2data.workers.task import Task


class FirstTask:
    """The first task of an epoch, and those that wait until it was read.

    Only tasks wait that were submitted after the first one, so some thread reads that.
    A wait ends when the first task was read or was abandoned, or on `close`.

    Attributes:
        is_special: True if the source sets attributes when it is read.
    """

    def __init__(self) -> None:
        self.is_special = False
        self._is_expected = False
        self._task: Optional[Task] = None
        self._behind: set[Task] = set()
        # Its lock is reentrant, since finalizers close pools in whatever thread.
        self._changed = threading.Condition()

    def expect(self) -> None:
        """Makes the task that is submitted next the first one."""
        self._is_expected = True

    def add(self, task: Task) -> None:
        """Adds a task, which is the first or waits for it."""
        with self._changed:
            if self._task is not None:
                self._behind.add(task)
            elif self._is_expected:
                self._task = task
            self._is_expected = False

    def wait_for(self, task: Task) -> None:
        """Returns when a task may be read."""
        with self._changed:
            self._changed.wait_for(lambda: task not in self._behind)

    def end(self, task: Task) -> None:
        """Ends the wait for a task, if that is the first one."""
        if task is self._task:
            self.close()

    def close(self) -> None:
        """Ends all waits."""
        with self._changed:
            self._task = None
            self._behind.clear()
            self._changed.notify_all()
