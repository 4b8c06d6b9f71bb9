"""The dispatcher's end of the fork server: starts it, asks it for workers, ends it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Optional

from seq2data.workers.child import command
from seq2data.workers.payload.payload import Payload
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.system.environment import worker_environment
from seq2data.workers.system.sentinel import close_sentinel, kill, open_sentinel
from seq2data.workers.wire.channel import pair
from seq2data.workers.wire.messages import Fork, Start
from seq2data.workers.wire.stacks import stack_pipe

# The fork server kills its workers and goes; longer means that it hangs in user code.
_EXIT_S = 2.0


class ForkServerHandle:
    """A running fork server; owns its process and its socket.

    Must be made in the thread that outlives it: the kernel kills the fork server when the
    thread that started it ends.

    Args:
        start_method: `"fork"` or `"exec"`.

    Attributes:
        channel: To it.
        sentinel: Tells of its death; None where there is no such thing.
        stacks: Its descriptor for `python_stacks`.
        fault: What it said of the exception that ended it, if it did.

    Raises:
        OSError: The machine refuses a process or a socket.
    """

    def __init__(self, start_method: str) -> None:
        self.since = time.monotonic()
        """When it was asked for what it has not done yet."""
        self.is_loading = False
        """Whether it was given a source, and has not said that it has it."""
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
        """Its process id."""
        return self._process.pid

    def request_worker(
        self, number: int, descriptors: Sequence[int], payload: Payload
    ) -> None:
        """Asks for a worker that has these descriptors.

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
        """It could not load the source: the next request sends it again."""
        self._version = -1

    def kill(self) -> None:
        """Ends it at once; its death is noticed as any other."""
        self._process.kill()

    def close(self) -> int:
        """Ends it and its workers; its exit status as `subprocess` tells it."""
        self.channel.hang_up()
        close_sentinel(self.sentinel)
        try:
            return self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class PromotedWorkerHandle:
    """A worker that has read a batch, and makes workers that start from there.

    Args:
        worker: Reads no more; owns the socket no more.

    Attributes:
        channel: To it.
        sentinel: Tells of its death; None where there is no such thing.
        pid: Its process id.
        stacks: Its descriptor for `python_stacks`.
        version: Of the source that it has.
        fault: What it said of the exception that ended it, if it did.
    """

    is_loading = False

    def __init__(self, worker: WorkerHandle) -> None:
        assert worker.pid is not None
        self.since = time.monotonic()
        """When it was asked for what it has not done yet."""
        self.fault: Optional[str] = None
        self.channel = worker.channel
        self.sentinel = worker.sentinel
        self.pid = worker.pid
        self.stacks = worker.stacks
        self.version = worker.version

    def request_worker(
        self, number: int, descriptors: Sequence[int], payload: Payload
    ) -> None:
        """Asks for a worker that has these descriptors.

        Raises:
            EOFError: It is dead.
        """
        assert payload.version == self.version
        self.since = time.monotonic()
        self.channel.send(Fork(number), descriptors)

    def kill(self) -> None:
        """Ends it at once; its death is noticed as any other."""
        kill(self.pid, self.sentinel)

    def close(self) -> None:
        """Ends it and its workers; the fork server that forked it sees to its burial."""
        self.channel.hang_up()
        close_sentinel(self.sentinel)


def _execute(connection: int) -> tuple[int, subprocess.Popen[bytes]]:
    """The fork server's descriptor for its stacks, and its process."""
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
