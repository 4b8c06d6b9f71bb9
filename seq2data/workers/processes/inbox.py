"""The tasks of a pool that wait for a worker."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Optional

from seq2data.errors import Seq2DataError
from seq2data.workers.task import Task, TaskResult


class Inbox:
    """A queue of tasks, in the order in which they are to be read.

    Any thread may add; the dispatcher's takes. It needs no lock: each method does one
    thing to a deque, or the same thing again.
    """

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: Task) -> None:
        """Puts a task behind all others."""
        self._tasks.append(task)

    def put_back(self, tasks: Sequence[Task]) -> None:
        """Puts tasks that were taken before the others, in their order."""
        self._tasks.extendleft(reversed(tasks))

    def take(self) -> Optional[Task]:
        """The first task that anybody still waits for, None if there is none."""
        while self._tasks:
            task = self._tasks.popleft()
            if task.start():
                return task
        return None

    def remove(self, task: Task) -> bool:
        """Takes out a task; whether it was there."""
        try:
            self._tasks.remove(task)
        except ValueError:
            return False
        return True

    def fail(self, error: Seq2DataError) -> None:
        """Ends all tasks in an error."""
        with contextlib.suppress(IndexError):
            while True:
                self._tasks.popleft().finish(TaskResult(error=error))
