"""The workers of a pool, by what they are at."""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Optional

from seq2data.workers.messages import Exited, Forked
from seq2data.workers.task import Task
from seq2data.workers.worker_handle import WorkerHandle


class Crew:
    """Who is starting, idle, at work, or dying; used by the dispatcher's thread.

    A worker is in `members` from the wish for it until it hangs up, meanwhile in
    `starting` and, without a task, in `idle`, with a single one in `busy`; then in
    `dying`, until the nursery tells its exit status. The nursery may be the first to
    know of a death.

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
        self._statuses: dict[int, int] = {}

    def __iter__(self) -> Iterator[WorkerHandle]:
        return iter(list(self.members.values()))

    @property
    def is_full(self) -> bool:
        """Whether no further worker may be wished for."""
        return len(self.members) >= self.most

    def num_wanted(self, pending: int) -> int:
        """How many workers to start for so many tasks that wait."""
        missing = self.most - len(self.members)
        if not missing:
            return 0
        # What is a worker's second task now could be a further worker's first.
        ahead = sum(len(worker.tasks) > 1 for worker in self.members.values())
        return min(missing, pending + ahead - len(self.starting))

    def wish_for(self, worker: WorkerHandle) -> None:
        """Takes in a worker that the nursery was asked for."""
        self.starting[worker.number] = self.members[worker.number] = worker

    def start(self, message: Forked) -> WorkerHandle:
        """The worker that the nursery has made; it is idle."""
        worker = self.starting.pop(message.worker)
        worker.pid = message.pid
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
        """Forgets a member and closes its channel."""
        self.release(worker)
        worker.channel.close()

    def release(self, worker: WorkerHandle) -> None:
        """Forgets a member; its channel may be another's."""
        del self.members[worker.number]
        worker.claims.close()
        self.starting.pop(worker.number, None)
        for workers in (self.idle, self.busy):
            with contextlib.suppress(ValueError):
                workers.remove(worker)

    def status_of(self, worker: WorkerHandle) -> Optional[int]:
        """How a worker ended that has hung up, None if nobody has told yet."""
        assert worker.pid is not None
        return self._statuses.pop(worker.pid, None)

    def wait_for_status(self, worker: WorkerHandle) -> None:
        """Keeps a worker that has hung up until the nursery tells how it ended."""
        assert worker.pid is not None
        self.dying[worker.pid] = worker

    def bury(self, worker: WorkerHandle) -> WorkerHandle:
        """Waits no more for a status; gives the worker back."""
        assert worker.pid is not None
        return self.dying.pop(worker.pid)

    def exited(self, message: Exited) -> Optional[WorkerHandle]:
        """The worker that is buried now, None if it has not hung up yet."""
        worker = self.dying.pop(message.pid, None)
        if worker is None and any(w.pid == message.pid for w in self.members.values()):
            self._statuses[message.pid] = message.status
        return worker
