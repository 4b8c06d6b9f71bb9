"""Gives tasks to workers, and starts workers for the tasks that wait."""

from __future__ import annotations

import math
from typing import Callable, Optional

from seq2data.errors import WorkerCrashError
from seq2data.workers.payload.payload import Payload
from seq2data.workers.processes.first_read_policy import FirstReads
from seq2data.workers.processes.fork_server_handle import AnyForkServer, ForkServers
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.processes.worker_table import WorkerTable
from seq2data.workers.system.limits import of_pool
from seq2data.workers.task import Task
from seq2data.workers.transport.protocol import Transport
from seq2data.workers.wire.channel import pair
from seq2data.workers.wire.recall import RecallPipe

# A worker waits about 1 ms for its next task, unless it has that already. A longer task
# is worth the wait: it may find a worker that is idle sooner.
_SHORT_TASK_S = 0.05


class Assigner:
    """Which worker gets which task; used by the dispatcher's thread.

    Args:
        name: The source's, for messages.
        transport: How batches come from the workers.
        free_segments: How many segments a worker keeps for its next batches.
        inbox: Has the tasks that wait.
        workers: The workers.
        fork_servers: Make further workers.
        first_reads: The policy for first reads.
        before_send: Called before a task is sent.
        on_worker_hang_up: Called with a worker whose socket is closed.
        on_fork_server_hang_up: Called with a fork server whose socket is closed.

    Attributes:
        task_s: Seconds that the last task took.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        free_segments: int,
        *,
        inbox: Inbox,
        workers: WorkerTable,
        fork_servers: ForkServers,
        first_reads: FirstReads,
        before_send: Callable[[], object],
        on_worker_hang_up: Callable[[WorkerHandle], object],
        on_fork_server_hang_up: Callable[[AnyForkServer], object],
    ) -> None:
        self._name = name
        self._transport = transport
        self._free_segments = free_segments
        self._inbox = inbox
        self._workers = workers
        self._fork_servers = fork_servers
        self._first_reads = first_reads
        self._before_send = before_send
        self._on_worker_hang_up = on_worker_hang_up
        self._on_fork_server_hang_up = on_fork_server_hang_up
        self._num_made = 0
        self.task_s = math.inf

    def assign(self) -> None:
        """Gives out what can be given out, and starts workers for the rest."""
        workers, pending = self._workers, self._inbox.tasks
        if workers.idle and not pending:
            self._inbox.put_first(workers.recall(_SHORT_TASK_S))
        while workers.idle and pending and (taken := self._take()):
            self._send(workers.idle.popleft(), *taken)
        if self._first_reads.is_awaited:
            if pending and not workers.members:
                self._start_worker()
            return
        # A second task each, where tasks are short beside the way to the worker.
        while (
            pending
            and workers.busy
            and self.task_s < _SHORT_TASK_S
            and (taken := self._take())
        ):
            self._send(workers.busy.popleft(), *taken)
        if len(workers.members) < workers.most:
            for _ in range(workers.num_missing(len(pending))):
                if not self._start_worker():
                    break

    def _take(self) -> Optional[tuple[Task, Payload]]:
        """Removes the next task, and returns what it is read from, too."""
        task = self._inbox.take()
        if task is None:
            return None
        # Looked at after the task, which may be for a payload that has just come.
        payload = self._inbox.payload
        assert payload is not None
        promoted = self._fork_servers.promoted
        if promoted is not None and promoted.version != payload.version:
            self._inbox.put_first([task])
            self.start_over()
            return None
        return task, payload

    def _send(self, worker: WorkerHandle, task: Task, payload: Payload) -> None:
        if not worker.tasks:
            self._workers.begin(worker)
        try:
            first = self._first_reads.begin_task(worker, task, payload.version)
            self._before_send()
            worker.ask(task, payload, *first)
        except EOFError:
            self._on_worker_hang_up(worker)

    def _start_worker(self) -> bool:
        payload = self._inbox.payload  # another thread may change it
        assert payload is not None
        if self._fork_servers.is_outdated(payload):
            self.start_over()
            self._inbox.wake()
            return False
        try:
            worker, descriptors = self._add_worker()
        except OSError as error:
            self.fail_to_start(of_pool(error, self._workers.most))
            return False
        fork_server = self._fork_servers.running()
        try:
            fork_server.request_worker(worker.number, descriptors, payload)
        except EOFError:
            self._on_fork_server_hang_up(fork_server)
            self._inbox.wake()  # this may be the only event that asks another one
            return False
        return True

    def _add_worker(self) -> tuple[WorkerHandle, list[int]]:
        """Adds a worker to the table; returns it and the descriptors of its ends.

        Raises:
            OSError: The system refuses a process or a descriptor.
        """
        fork_server = self._fork_servers.running()
        recalls = RecallPipe()
        try:
            channel, end = pair()
        except BaseException:
            recalls.close()
            raise
        worker = WorkerHandle(
            *(self._num_made, channel, recalls, fork_server, self._transport),
            most_free=self._free_segments,
        )
        self._num_made += 1
        self._workers.add(worker, end)
        return worker, [end.fileno(), recalls.fileno()]

    def fail_to_start(self, reason: str) -> None:
        """Ends all tasks in an error, unless there are workers that can do them."""
        if len(self._workers.members) > len(self._workers.starting):
            return
        self._inbox.fail(
            WorkerCrashError(f"no worker for `{self._name}` could be started: {reason}")
        )

    def start_over(self) -> None:
        """Ends the workers that start from a first read, which is to be made again."""
        for worker in self._workers:
            self._inbox.put_first(worker.remove_tasks())
            self._workers.dismiss(worker)
        self._fork_servers.close_promoted()
        self._first_reads.start_over()
