"""Recalls tasks that a worker has received and not begun.

What lies in a worker's socket cannot be taken out again. So for each task that waits
behind another, one byte, the task's number, goes through a pipe that both processes may
read. The process that reads the byte has the task. So a task that waits behind a slow
one can go to another worker.
"""

from __future__ import annotations

import contextlib
import os

_NUMBERS = 256


class RecallPipe:
    """The half of the training process; owns both ends of the pipe.

    Raises:
        OSError: No descriptor is left.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)  # for the worker, too
        self._number = 0

    def fileno(self) -> int:
        """Returns the end for the worker."""
        return self._reader

    def offer(self) -> int:
        """Makes one more task recallable, and returns its number."""
        self._number = (self._number + 1) % _NUMBERS
        os.write(self._writer, bytes([self._number]))
        return self._number

    def recall(self) -> list[int]:
        """Returns the numbers of the tasks that the worker has not begun.

        It will not begin them.
        """
        return list(_read(self._reader, _NUMBERS))

    def close(self) -> None:
        """Releases the pipe."""
        os.close(self._reader)
        os.close(self._writer)


class RecallReader:
    """The half of the worker.

    Args:
        descriptor: The worker's end of the pipe, which belongs to this.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._next = b""

    def claim(self, number: int) -> bool:
        """Takes a task, so that it cannot be recalled; to be called in their order.

        Returns:
            False if the task was recalled before.
        """
        self._next = self._next or _read(self._descriptor, 1)
        if self._next != bytes([number]):
            return False  # what was read is the number of a later task
        self._next = b""
        return True

    def close(self) -> None:
        """Releases the worker's end."""
        os.close(self._descriptor)


def _read(descriptor: int, most: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, most)
    return b""
