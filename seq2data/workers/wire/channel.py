"""Turns a Unix socket into a way for whole messages and file descriptors.

A frame is a header (payload bytes, number of descriptors), the descriptors attached to
it, and the pickled message. Each end owns its socket. End of file tells of a death, but
does not come while a child of the dead holds the socket, too: see `sentinel`.
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
# For both ends may be writing, and nobody reads. Linux has more by itself, macOS 8 kB.
_LEAST_ROOM_BYTES = 1 << 17
# The kernel's SCM_MAX_FD; more in one message is refused.
_MOST_DESCRIPTORS = 253
# The program may have SIGPIPE kill it, as programs with a pipe behind them do.
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_MOST_RIGHTS_BYTES = _MOST_DESCRIPTORS * array.array("i").itemsize


class DescriptorsLostError(OSError):
    """Comes in place of a message: this process may not have more open files."""

    def __init__(self, message: str) -> None:
        super().__init__(
            errno.EMFILE,
            f"{os.strerror(errno.EMFILE)}: no descriptor is left for the shared memory "
            f"of a `{message}` message{reached(errno.EMFILE, _MOST_DESCRIPTORS)}",
        )


class Channel:
    """One end of a connection; used by one thread at a time.

    Raises:
        EOFError: From every method, when the other end is gone.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(None)  # whatever `socket.setdefaulttimeout` says
        connection.set_inheritable(False)  # by what user code executes
        self._socket = connection
        self._space = bytearray(_RECEIVE_BYTES)
        self._received = bytearray()
        self._descriptors: deque[int] = deque()

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, message: Any, descriptors: Sequence[int] = ()) -> None:
        """Sends one message; the descriptors stay open on this side."""
        payload = pickle.dumps(message, protocol=5)
        frame = _HEADER.pack(len(payload), len(descriptors)) + payload
        try:
            sent = self._send_some(frame, descriptors)
            if sent < len(frame):
                self._socket.sendall(memoryview(frame)[sent:], NO_SIGNAL)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("the other end is gone") from error

    def _send_some(self, frame: bytes, descriptors: Sequence[int]) -> int:
        if not descriptors:
            return self._socket.send(frame, NO_SIGNAL)
        rights = array.array("i", descriptors)
        return self._socket.sendmsg(
            [frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], NO_SIGNAL
        )

    def receive(self) -> tuple[Any, list[int]]:
        """Waits for the next message; its descriptors belong to the caller."""
        while True:
            messages = self._take_frames(most=1)
            if messages:
                return messages[0]
            self._fill(0)

    def receive_ready(self) -> list[tuple[Any, list[int]]]:
        """The messages that are there, without waiting for the rest of another."""
        with contextlib.suppress(BlockingIOError):
            self._fill(socket.MSG_DONTWAIT)
        return self._take_frames()

    def receive_rest(self) -> list[tuple[Any, list[int]]]:
        """The messages that are left of an end that is dead."""
        with contextlib.suppress(BlockingIOError, EOFError):
            while True:
                self._fill(socket.MSG_DONTWAIT)
        return self._take_frames()

    def _fill(self, flags: int) -> None:
        room = socket.CMSG_SPACE(_MOST_RIGHTS_BYTES)
        try:
            count, ancillary, _, _ = self._socket.recvmsg_into(
                [self._space], room, flags | _CLOSE_ON_EXEC
            )
        except ConnectionResetError as error:
            raise EOFError("the other end is gone") from error
        for _, kind, rights in ancillary:
            if kind == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(rights[: len(rights) - len(rights) % found.itemsize])
                self._descriptors.extend(found)
                if not _CLOSE_ON_EXEC:
                    for descriptor in found:
                        os.set_inheritable(descriptor, False)
        if count == 0:
            raise EOFError("the other end is gone")
        self._received += memoryview(self._space)[:count]

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
            frames.append(
                (message, [self._descriptors.popleft() for _ in range(count)])
            )
        del self._received[:start]
        return frames

    def hang_up(self) -> None:
        """Ends the connection, whoever else holds this end of it, and closes."""
        with contextlib.suppress(OSError):  # the other end is gone
            self._socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        """Closes the socket and descriptors that nobody took."""
        self._socket.close()
        self._close_descriptors()

    def _close_descriptors(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popleft())


def pair() -> tuple[Channel, socket.socket]:
    """This side's channel and the socket for the other side."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    for end in (mine, theirs):
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            if end.getsockopt(socket.SOL_SOCKET, option) < _LEAST_ROOM_BYTES:
                end.setsockopt(socket.SOL_SOCKET, option, _LEAST_ROOM_BYTES)
    return Channel(mine), theirs
