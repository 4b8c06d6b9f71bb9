"""Sends and receives whole messages and file descriptors over a Unix socket.

A frame is a header (payload bytes, number of descriptors), the descriptors attached to
it, and the pickled message. Each end owns its socket. A process that dies closes its
end, but the other end does not see that while a child of the dead process holds the
socket, too: see `system/sentinel.py`.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import pickle
import socket
import struct
from collections import deque
from collections.abc import Sequence
from typing import Any

from seq2data.workers.system.limits import reached

_HEADER = struct.Struct("=QI")
_RECEIVE_BYTES = 1 << 16
# Both ends may be writing while none reads. Linux has more by itself, macOS 8 kB.
_LEAST_ROOM_BYTES = 1 << 17
# The kernel's SCM_MAX_FD; more in one message is refused.
_MOST_DESCRIPTORS = 253
# SIGPIPE may kill the program, as it kills programs that write into a pipe.
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_CLOSE_ON_EXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))
_DONT_WAIT = _CLOSE_ON_EXEC | getattr(socket, "MSG_DONTWAIT", 0)
_MOST_RIGHTS_BYTES = _MOST_DESCRIPTORS * array.array("i").itemsize


class DescriptorsLostError(OSError):
    """Stands for a message: this process may not have more open files."""

    def __init__(self, message: str) -> None:
        super().__init__(
            errno.EMFILE,
            f"{os.strerror(errno.EMFILE)}: no descriptor is left for the shared memory "
            f"of a `{message}` message{reached(errno.EMFILE, _MOST_DESCRIPTORS)}",
        )


class Channel:
    """One end of a connection; used by one thread at a time.

    Raises:
        EOFError: From every method, when the other end is closed.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)  # whatever `socket.setdefaulttimeout` says
        connection.set_inheritable(False)  # by what user code executes
        self._socket = connection
        self._space = bytearray(_RECEIVE_BYTES)
        self._received = bytearray()
        self._descriptors: deque[int] = deque()

    def fileno(self) -> int:
        """Returns the socket's descriptor."""
        return self._socket.fileno()

    def send(self, message: Any, descriptors: Sequence[int] = ()) -> None:
        """Sends one message; the descriptors stay open on this side."""
        payload = pickle.dumps(message, protocol=5)
        frame = _HEADER.pack(len(payload), len(descriptors)) + payload
        try:
            if descriptors:
                sent = self._socket.sendmsg([frame], _rights(descriptors), NO_SIGNAL)
            else:
                sent = self._socket.send(frame, NO_SIGNAL)
            if sent < len(frame):
                self._socket.sendall(memoryview(frame)[sent:], NO_SIGNAL)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("the other end is closed") from error

    def receive(self) -> tuple[Any, list[int]]:
        """Waits for the next message; its descriptors belong to the caller."""
        while True:
            messages = self._take_frames(most=1)
            if messages:
                return messages[0]
            self._fill(_CLOSE_ON_EXEC)

    def receive_ready(self) -> list[tuple[Any, list[int]]]:
        """Returns the messages that have come; does not wait for another."""
        self._fill(_DONT_WAIT)
        return self._take_frames()

    def receive_rest(self) -> list[tuple[Any, list[int]]]:
        """Returns the messages that a dead process has left."""
        with contextlib.suppress(EOFError):
            while self._fill(_DONT_WAIT):
                continue
        return self._take_frames()

    def _fill(self, flags: int) -> bool:
        """Receives some bytes; returns False if none has come."""
        try:
            count, ancillary, _, _ = self._socket.recvmsg_into(
                [self._space], socket.CMSG_SPACE(_MOST_RIGHTS_BYTES), flags
            )
        except BlockingIOError:
            return False
        except ConnectionResetError as error:
            raise EOFError("the other end is closed") from error
        for _, kind, rights in ancillary:
            if kind == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(rights[: len(rights) - len(rights) % found.itemsize])
                self._descriptors.extend(found)
                if not _CLOSE_ON_EXEC:
                    for descriptor in found:
                        os.set_inheritable(descriptor, False)
        if count == 0:
            raise EOFError("the other end is closed")
        self._received += memoryview(self._space)[:count]
        return True

    def _take_frames(self, most: int = 1 << 30) -> list[tuple[Any, list[int]]]:
        frames: list[tuple[Any, list[int]]] = []
        start = 0
        while len(frames) < most and len(self._received) - start >= _HEADER.size:
            length, count = _HEADER.unpack_from(self._received, start)
            end = start + _HEADER.size + length
            if len(self._received) < end:
                break
            with memoryview(self._received) as view:
                message = pickle.loads(view[start + _HEADER.size : end])
            start = end
            if count > len(self._descriptors):
                self._close_descriptors()
                frames.append((DescriptorsLostError(type(message).__name__), []))
                continue
            descriptors: list[int] = []
            while len(descriptors) < count:
                descriptors.append(self._descriptors.popleft())
            frames.append((message, descriptors))
        del self._received[:start]
        return frames

    def hang_up(self) -> None:
        """Closes this end, also where a fork of this process holds it, too."""
        with contextlib.suppress(OSError):  # the other end is closed
            self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        """Closes the socket, and the descriptors of messages that were not taken."""
        self._socket.close()
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popleft())


# Not `socket.send_fds`, which ignores its flags (CPython 3.9 to 3.13).
def _rights(descriptors: Sequence[int]) -> list[tuple[int, int, array.array[int]]]:
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def pair() -> tuple[Channel, socket.socket]:
    """Returns this side's channel, and the socket for the other side."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (mine, theirs):
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            if end.getsockopt(socket.SOL_SOCKET, option) < _LEAST_ROOM_BYTES:
                end.setsockopt(socket.SOL_SOCKET, option, _LEAST_ROOM_BYTES)
    return Channel(mine), theirs
