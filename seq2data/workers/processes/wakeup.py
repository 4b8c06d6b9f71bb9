"""Wakes the dispatcher where it waits."""

from __future__ import annotations

import contextlib
import socket

from seq2data.workers.wire.channel import NO_SIGNAL


class Wakeup:
    """A file to select on, which any thread can make readable. Owns two sockets."""

    def __init__(self) -> None:
        self._alarm, self._button = socket.socketpair()
        self._button.setblocking(False)

    def fileno(self) -> int:
        """The descriptor that is readable once the bell was rung."""
        return self._alarm.fileno()

    def wake(self) -> None:
        """Takes no lock, and does nothing to a bell that rings or is closed."""
        with contextlib.suppress(BlockingIOError, OSError):
            self._button.send(b"\0", NO_SIGNAL)

    def clear(self) -> None:
        """Makes it silent; called when it rings."""
        self._alarm.recv(4096)

    def close(self) -> None:
        """Releases the sockets."""
        self._alarm.close()
        self._button.close()
