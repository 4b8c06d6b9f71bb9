"""The processes that make a pool's workers: a fork server, or a promoted worker.

fork server: has the source ------------fork--> workers
            |
          fork, if the first read changes the source
            v
         a worker reads, is promoted      --fork--> workers that start from there
"""

from __future__ import annotations

import functools
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional, Union

from seq2data.workers.child import command
from seq2data.workers.payload.payload import Payload
from seq2data.workers.processes.event_loop import EventLoop
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.system.environment import worker_environment
from seq2data.workers.system.sentinel import close_sentinel, kill, open_sentinel
from seq2data.workers.wire.channel import pair
from seq2data.workers.wire.messages import Fork, Start
from seq2data.workers.wire.stacks import stack_pipe

# The fork server kills its workers and ends; longer means that it hangs in user code.
_EXIT_S = 2.0


class ForkServerHandle:
    """A running fork server; owns its process and its socket.

    Must be made in a thread that outlives it: the kernel kills the fork server when the
    thread that has started it ends.

    Args:
        start_method: `"fork"` or `"exec"`.

    Attributes:
        channel: The connection to it.
        sentinel: Readable when it has ended; None where there are no sentinels.
        stacks: Its descriptor for `python_stacks`.
        fault: What it has sent about the exception that ended it.
        since: When it was last asked for a worker, on `time.monotonic`.
        is_loading: True while it loads the source.

    Raises:
        OSError: The system refuses a process or a socket.
    """

    def __init__(self, start_method: str) -> None:
        self.since = time.monotonic()
        self.is_loading = False
        self.fault: Optional[str] = None
        self._version = -1
        self._first: Any = Start(start_method)
        self.channel, connection = pair()
        try:
            with connection:
                self.stacks, self._process = _execute(connection.fileno())
        except BaseException:
            self.channel.close()
            raise
        self.sentinel = open_sentinel(self.pid)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def request_worker(
        self, number: int, descriptors: Sequence[int], payload: Payload
    ) -> None:
        """Asks for a worker that gets these descriptors.

        Raises:
            EOFError: The fork server is dead.
        """
        self.since = time.monotonic()
        if self._first is not None:
            self.channel.send(self._first)
            self._first = None
        if self._version != payload.version:
            self.channel.send(payload.load, payload.descriptors())
            self._version = payload.version
            self.is_loading = True
        self.channel.send(Fork(number), descriptors)

    def forget_source(self) -> None:
        """Sends the source again with the next request, for it could not be loaded."""
        self._version = -1

    def kill(self) -> None:
        """Kills it; the event loop sees its end like any other."""
        self._process.kill()

    def close(self) -> int:
        """Ends it and its workers; returns its exit status as `subprocess` does."""
        self.channel.hang_up()
        close_sentinel(self.sentinel)
        try:
            return self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class PromotedWorkerHandle:
    """A worker that has made the first read, and makes workers that start from there.

    Args:
        worker: The worker; its socket and sentinel belong to this now.

    Attributes:
        channel: The connection to it.
        sentinel: Readable when it has ended; None where there are no sentinels.
        pid: Its process id.
        stacks: Its descriptor for `python_stacks`.
        version: The version of the source that it has.
        fault: What it has sent about the exception that ended it.
        since: When it was last asked for a worker, on `time.monotonic`.
    """

    is_loading = False

    def __init__(self, worker: WorkerHandle) -> None:
        assert worker.pid is not None
        self.since = time.monotonic()
        self.fault: Optional[str] = None
        self.channel = worker.channel
        self.sentinel = worker.sentinel
        self.pid = worker.pid
        self.stacks = worker.stacks
        self.version = worker.version

    def request_worker(
        self, number: int, descriptors: Sequence[int], payload: Payload
    ) -> None:
        """Asks for a worker that gets these descriptors.

        Raises:
            EOFError: It is dead.
        """
        assert payload.version == self.version
        self.since = time.monotonic()
        self.channel.send(Fork(number), descriptors)

    def kill(self) -> None:
        """Kills it; the event loop sees its end like any other."""
        kill(self.pid, self.sentinel)

    def close(self) -> None:
        """Ends it and its workers; the fork server that forked it reaps it."""
        self.channel.hang_up()
        close_sentinel(self.sentinel)


AnyForkServer = Union[ForkServerHandle, PromotedWorkerHandle]


class ForkServers:
    """The processes that make workers; used by the dispatcher's thread.

    Args:
        start_method: `"fork"` or `"exec"`.
        loop: The dispatcher's.
        on_message: Called with a fork server whose socket is readable.
        on_death: Called with a fork server that has ended.

    Attributes:
        promoted: The promoted worker, if there is one.
    """

    def __init__(
        self,
        start_method: str,
        loop: EventLoop,
        on_message: Callable[[AnyForkServer], object],
        on_death: Callable[[AnyForkServer], object],
    ) -> None:
        self._start_method = start_method
        self._loop = loop
        self._on_message = on_message
        self._on_death = on_death
        self._first: Optional[ForkServerHandle] = None
        self.promoted: Optional[PromotedWorkerHandle] = None

    def __iter__(self) -> Iterator[AnyForkServer]:
        return iter([one for one in (self.promoted, self._first) if one is not None])

    @property
    def current(self) -> Optional[AnyForkServer]:
        """The process that makes the next worker, None if there is none yet."""
        return self.promoted or self._first

    def running(self) -> AnyForkServer:
        """Returns the process that makes the next worker, and starts it if need be.

        Raises:
            OSError: The system refuses a process or a socket.
        """
        current = self.current
        if current is None:
            current = self._first = ForkServerHandle(self._start_method)
            self._watch(current)
        return current

    def promote(self, worker: WorkerHandle) -> None:
        """Makes further workers start from a worker, which is no member any more."""
        self.promoted = PromotedWorkerHandle(worker)
        self._watch(self.promoted)

    def is_outdated(self, payload: Payload) -> bool:
        """True if the promoted worker has another version of the source."""
        promoted = self.promoted
        return promoted is not None and promoted.version != payload.version

    def close_promoted(self) -> None:
        """Ends the promoted worker and the workers that it made, if there is one."""
        if self.promoted is not None:
            self.close(self.promoted)

    def close(self, fork_server: AnyForkServer) -> Optional[int]:
        """Ends a process and its workers.

        Returns:
            Its exit status, None for a promoted worker's.
        """
        if fork_server is self.promoted:
            self.promoted = None
        else:
            self._first = None
        self._loop.unwatch(fork_server.channel.fileno())
        if fork_server.sentinel is not None:
            self._loop.unwatch(fork_server.sentinel)
        return fork_server.close()

    def _watch(self, fork_server: AnyForkServer) -> None:
        handler = functools.partial(self._on_message, fork_server)
        self._loop.watch(fork_server.channel.fileno(), handler)
        if fork_server.sentinel is not None:
            handler = functools.partial(self._on_death, fork_server)
            self._loop.watch(fork_server.sentinel, handler)


def _execute(connection: int) -> tuple[int, subprocess.Popen[bytes]]:
    """Returns the fork server's descriptor for its stacks, and its process."""
    reader, writer = stack_pipe()
    try:
        process = command.start(
            "run_fork_server",
            (connection, reader, writer),
            worker_environment(os.environ),
            stdin=subprocess.DEVNULL,
        )
    finally:
        os.close(reader)
        os.close(writer)
    return reader, process
