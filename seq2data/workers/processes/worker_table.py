"""The workers of a pool, by what they do."""

from __future__ import annotations

import contextlib
import functools
import math
import socket
import time
from collections import deque
from collections.abc import Iterator
from typing import Callable, Optional

from seq2data.workers.processes.event_loop import EventLoop
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.system.sentinel import close_sentinel, open_sentinel
from seq2data.workers.task import Task
from seq2data.workers.transport.runs import Loan
from seq2data.workers.wire.messages import Forked

# How long the fork server may take to send how a worker ended; it may be stopped.
STATUS_S = 1.0


class WorkerTable:
    """Which workers start, are idle, work, or have died.

    A worker is a member from the request for it until it dies. Used by the dispatcher's
    thread; other threads may iterate over it. Registers the members' sockets and
    sentinels with the event loop, and releases them.

    Args:
        most: How many members there may be.
        loop: The dispatcher's.
        on_message: Called with a worker whose socket is readable.
        on_death: Called with a worker that has ended.

    Attributes:
        members: All workers by number, but those that have died.
        starting: The members that the fork server has not made yet.
        idle: The members without a task.
        busy: The members with one task, which may get a second.
        dying: The workers that have died and whose exit status is not known, by pid.
    """

    def __init__(
        self,
        most: int,
        loop: EventLoop,
        on_message: Callable[[WorkerHandle], object],
        on_death: Callable[[WorkerHandle], object],
    ) -> None:
        self.most = most
        self.members: dict[int, WorkerHandle] = {}
        self.starting: dict[int, WorkerHandle] = {}
        self.idle: deque[WorkerHandle] = deque()
        self.busy: deque[WorkerHandle] = deque()
        self.dying: dict[int, WorkerHandle] = {}
        self._ends: dict[int, socket.socket] = {}
        self._loop = loop
        self._on_message = on_message
        self._on_death = on_death

    def __iter__(self) -> Iterator[WorkerHandle]:
        return iter(list(self.members.values()))

    @property
    def awaits_fork_server(self) -> bool:
        """True if the fork server has to make a worker, or to send how one ended."""
        return bool(self.starting or self.dying)

    def num_missing(self, pending: int) -> int:
        """Returns how many workers to start for so many tasks that wait."""
        missing = self.most - len(self.members)
        if not missing:
            return 0
        # What is a worker's second task now could be the first of another worker.
        ahead = sum(len(worker.tasks) > 1 for worker in self.members.values())
        return min(missing, pending + ahead - len(self.starting))

    def add(self, worker: WorkerHandle, end: socket.socket) -> None:
        """Adds a worker that the fork server is asked for, and the worker's socket.

        That is closed when the worker has it: see `PASSES_CLOSED_DESCRIPTORS`.
        """
        self._ends[worker.number] = end
        self.starting[worker.number] = self.members[worker.number] = worker

    def start(self, message: Forked) -> None:
        """Makes a worker idle that the fork server has made."""
        worker = self.starting.pop(message.worker)
        self._ends.pop(message.worker).close()
        worker.pid = message.pid
        worker.sentinel = open_sentinel(message.pid)
        worker.version = message.version
        worker.stacks = message.stacks
        self.idle.append(worker)
        handler = functools.partial(self._on_message, worker)
        self._loop.watch(worker.channel.fileno(), handler)
        if worker.sentinel is not None:
            handler = functools.partial(self._on_death, worker)
            self._loop.watch(worker.sentinel, handler)

    def begin(self, worker: WorkerHandle) -> None:
        """Makes a worker busy, which gets its first task or begins its next."""
        worker.since = time.monotonic()
        self.busy.append(worker)

    def finish(self, worker: WorkerHandle) -> tuple[Task, Loan]:
        """Removes and returns the task that a worker has answered, and its loan."""
        finished = worker.tasks.popleft(), worker.sent.popleft()[1]
        if worker.tasks:
            self.begin(worker)
        else:
            self._rest(worker)
        return finished

    def _rest(self, worker: WorkerHandle) -> None:
        worker.since = math.inf
        if worker in self.busy:  # else its second task was recalled
            self.busy.remove(worker)
        self.idle.append(worker)

    def recall(self, seconds: float) -> list[Task]:
        """Removes and returns tasks that wait behind one that takes longer than this.

        Such a worker gets no other task meanwhile.
        """
        latest = time.monotonic() - seconds
        recalled = []
        for worker in self.members.values():
            if len(worker.tasks) > 1 and worker.since <= latest:
                recalled += worker.recall()
                if not worker.tasks:
                    self._rest(worker)
        return recalled

    def dismiss(self, worker: WorkerHandle) -> None:
        """Removes a member; it ends when it sees that its socket is closed."""
        self.release(worker)
        worker.channel.hang_up()
        close_sentinel(worker.sentinel)

    def release(self, worker: WorkerHandle) -> None:
        """Removes a member, and leaves its socket and sentinel to the caller."""
        del self.members[worker.number]
        self._loop.unwatch(worker.channel.fileno())
        if worker.sentinel is not None:
            self._loop.unwatch(worker.sentinel)
        worker.recalls.close()
        if self.starting.pop(worker.number, None):
            self._ends.pop(worker.number).close()
        for workers in (self.idle, self.busy):
            with contextlib.suppress(ValueError):
                workers.remove(worker)

    def await_status(self, worker: WorkerHandle) -> None:
        """Keeps a member that has died until its exit status is known, or for 1 s."""
        assert worker.pid is not None
        self.release(worker)
        worker.channel.hang_up()
        self.dying[worker.pid] = worker
        worker.since = time.monotonic()

    def overdue(self) -> list[WorkerHandle]:
        """Returns the dead workers whose exit status has not come in time."""
        latest = time.monotonic() - STATUS_S
        return [worker for worker in self.dying.values() if worker.since <= latest]

    def reap(self, worker: WorkerHandle) -> None:
        """Removes a dead worker."""
        assert worker.pid is not None
        del self.dying[worker.pid]
        close_sentinel(worker.sentinel)

    def with_pid(self, pid: int) -> Optional[WorkerHandle]:
        """Returns the worker of a process id, dead or a member."""
        for worker in (*self.dying.values(), *self.members.values()):
            if worker.pid == pid:
                return worker
        return None
