"""What other threads want from the dispatcher's thread."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Sequence
from typing import Optional

from seq2data.errors import Seq2DataError
from seq2data.workers.payload.payload import Payload
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.wire.channel import NO_SIGNAL


class Inbox:
    """The tasks that wait for a worker, and a descriptor that wakes the dispatcher.

    Any thread may append to `tasks`, and call `abandon`, `wake` and `fail`; the others
    are for the dispatcher's thread. It needs no lock: each method does one thing to a
    deque, or the same thing again. Owns two sockets.

    Attributes:
        tasks: The tasks, in the order in which they are to be read.
        abandoned: Tasks whose workers are to be killed.
        payload: What the tasks that are sent from now on are read from.
    """

    def __init__(self) -> None:
        self.tasks: deque[Task] = deque()
        self.abandoned: deque[Task] = deque()
        self.payload: Optional[Payload] = None
        self._ours, self._theirs = socket.socketpair()
        for end in (self._ours, self._theirs):
            end.setblocking(False)

    def fileno(self) -> int:
        """Returns the descriptor that is readable after `wake`."""
        return self._ours.fileno()

    def abandon(self, task: Task) -> None:
        """Asks for the end of the worker that is reading a task."""
        self.abandoned.append(task)
        self.wake()

    def wake(self) -> None:
        """Wakes the dispatcher. Takes no lock; does nothing after `close`."""
        # BlockingIOError: it is about to wake. Other errors: the socket is closed.
        try:
            self._theirs.send(b"\0", NO_SIGNAL)
        except OSError:
            return

    def clear(self) -> None:
        """Makes the descriptor unreadable again."""
        self._ours.recv(4096)

    def put_first(self, tasks: Sequence[Task]) -> None:
        """Puts tasks before the others, in their order."""
        self.tasks.extendleft(reversed(tasks))

    def take(self) -> Optional[Task]:
        """Removes and returns the first task that is still wanted; None without one."""
        while self.tasks:
            task = self.tasks.popleft()
            if not task.cancel_if_unwanted():
                return task
        return None

    def remove(self, task: Task) -> bool:
        """Removes a task; returns True if it was there."""
        try:
            self.tasks.remove(task)
        except ValueError:
            return False
        return True

    def fail(self, error: Seq2DataError) -> None:
        """Ends all tasks in an error."""
        with contextlib.suppress(IndexError):
            while True:
                self.tasks.popleft().finish(TaskResult(error=error))

    def close(self) -> None:
        """Releases the sockets."""
        self._ours.close()
        self._theirs.close()
