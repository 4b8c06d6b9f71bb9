"""Who has a task that waits behind another: the worker, or its dispatcher again.

What lies in a worker's socket cannot be fetched back. So for each task that has to wait
there goes one byte, its number, through a pipe that both may read: who reads the byte
has the task. A worker that is stuck in its first task is thus relieved of the second.
"""

from __future__ import annotations

import contextlib
import os

_NUMBERS = 256


class RecallPipe:
    """The dispatcher's side; owns both ends of the pipe.

    Raises:
        OSError: No descriptor is left.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)  # for the worker, too
        self._number = 0

    def fileno(self) -> int:
        """The end for the worker."""
        return self._reader

    def offer(self) -> int:
        """The number of one more task that waits."""
        self._number = (self._number + 1) % _NUMBERS
        os.write(self._writer, bytes([self._number]))
        return self._number

    def take_back(self) -> list[int]:
        """The numbers that the worker has not come to, and will not any more."""
        return list(_read(self._reader, _NUMBERS))

    def close(self) -> None:
        """Releases the pipe."""
        os.close(self._reader)
        os.close(self._writer)


class RecallReader:
    """The worker's side.

    Args:
        descriptor: Of the pipe; belongs to this now.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._next = b""

    def is_mine(self, number: int) -> bool:
        """Whether the task of this number was not taken back; asked in their order."""
        self._next = self._next or _read(self._descriptor, 1)
        if self._next != bytes([number]):
            return False  # and what was read is for a task that is still to come
        self._next = b""
        return True

    def close(self) -> None:
        """Releases the pipe."""
        os.close(self._descriptor)


def _read(descriptor: int, most: int) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return os.read(descriptor, most)
    return b""
