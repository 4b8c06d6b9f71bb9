"""The workers of a pool, by what they are at."""

from __future__ import annotations

import contextlib
import math
import socket
import time
from collections import deque
from collections.abc import Iterator
from typing import Optional

from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.system.sentinel import close_sentinel
from seq2data.workers.task import Task
from seq2data.workers.wire.messages import Forked

# How long the fork server may take to tell how a worker died; it may be stopped, too.
STATUS_S = 1.0


class WorkerTable:
    """Who is starting, idle, at work, or dying; used by the dispatcher's thread.

    A worker is in `members` from the wish for it until it hangs up, meanwhile in
    `starting` and, without a task, in `idle`, with a single one in `busy`; then in
    `dying`, until the fork server tells its exit status, or for a moment.

    Args:
        most: How many members there may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.members: dict[int, WorkerHandle] = {}
        self.starting: dict[int, WorkerHandle] = {}
        self.idle: deque[WorkerHandle] = deque()
        self.busy: deque[WorkerHandle] = deque()
        self.dying: dict[int, WorkerHandle] = {}
        self._ends: dict[int, socket.socket] = {}

    def __iter__(self) -> Iterator[WorkerHandle]:
        return iter(list(self.members.values()))

    @property
    def is_full(self) -> bool:
        """Whether no further worker may be wished for."""
        return len(self.members) >= self.most

    @property
    def awaits_fork_server(self) -> bool:
        """Whether the fork server is to make a worker, or to tell how one died."""
        return bool(self.starting or self.dying)

    def num_wanted(self, pending: int) -> int:
        """How many workers to start for so many tasks that wait."""
        missing = self.most - len(self.members)
        if not missing:
            return 0
        # What is a worker's second task now could be a further worker's first.
        ahead = sum(len(worker.tasks) > 1 for worker in self.members.values())
        return min(missing, pending + ahead - len(self.starting))

    def add(self, worker: WorkerHandle, end: socket.socket) -> None:
        """Takes in a worker that the fork server is asked for, and its end of the channel.

        That is closed when the worker has it: see `PASSES_CLOSED_DESCRIPTORS`.
        """
        self._ends[worker.number] = end
        self.starting[worker.number] = self.members[worker.number] = worker

    def start(self, message: Forked, sentinel: Optional[int]) -> WorkerHandle:
        """The worker that the fork server has made; it is idle."""
        worker = self.starting.pop(message.worker)
        self._ends.pop(message.worker).close()
        worker.pid = message.pid
        worker.sentinel = sentinel
        worker.version = message.version
        worker.stacks = message.stacks
        self.idle.append(worker)
        return worker

    def begin(self, worker: WorkerHandle) -> None:
        """Notes that an idle worker gets its first task."""
        worker.since = time.monotonic()
        self.busy.append(worker)

    def finish(self, worker: WorkerHandle) -> Task:
        """The task that a worker has just answered; it goes on with the next."""
        task = worker.finish()
        if worker.tasks:
            self.begin(worker)
        else:
            self._rest(worker)
        return task

    def _rest(self, worker: WorkerHandle) -> None:
        worker.since = math.inf
        with contextlib.suppress(ValueError):  # its second task was taken back
            self.busy.remove(worker)
        self.idle.append(worker)

    def take_back(self, seconds: float) -> list[Task]:
        """What waits behind tasks that take longer than this; it gets no other."""
        latest = time.monotonic() - seconds
        taken = []
        for worker in self:
            if len(worker.tasks) > 1 and worker.since <= latest:
                taken += worker.take_back()
                if not worker.tasks:
                    self._rest(worker)
        return taken

    def dismiss(self, worker: WorkerHandle) -> None:
        """Forgets a member and releases what tells of it."""
        self.release(worker)
        worker.channel.hang_up()
        close_sentinel(worker.sentinel)

    def release(self, worker: WorkerHandle) -> None:
        """Forgets a member; its channel and sentinel may be another's."""
        del self.members[worker.number]
        worker.claims.close()
        if self.starting.pop(worker.number, None):
            self._ends.pop(worker.number).close()
        for workers in (self.idle, self.busy):
            with contextlib.suppress(ValueError):
                workers.remove(worker)

    def wait_for_status(self, worker: WorkerHandle) -> None:
        """Keeps a member that has died until the fork server tells how, or for a moment."""
        assert worker.pid is not None
        self.release(worker)
        worker.channel.hang_up()
        self.dying[worker.pid] = worker
        worker.since = time.monotonic()

    def overdue(self) -> list[WorkerHandle]:
        """Those of whom nobody has told how they died, for too long."""
        latest = time.monotonic() - STATUS_S
        return [worker for worker in self.dying.values() if worker.since <= latest]

    def forget_dead(self, worker: WorkerHandle) -> None:
        """Waits no more for a status."""
        assert worker.pid is not None
        del self.dying[worker.pid]
        close_sentinel(worker.sentinel)

    def with_pid(self, pid: int) -> Optional[WorkerHandle]:
        """The worker of this process id, dying or a member."""
        everybody = (*self.dying.values(), *self.members.values())
        return next((worker for worker in everybody if worker.pid == pid), None)
