"""What becomes of tasks when processes die, and which processes are killed."""

from __future__ import annotations

import time
from typing import Callable, Optional

from seq2data.errors import ReadError, WorkerCrashError
from seq2data.workers.failures import crash_error, status_in_words
from seq2data.workers.processes.fork_server_handle import (
    AnyForkServer,
    ForkServers,
    PromotedWorkerHandle,
)
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.processes.worker_table import WorkerTable
from seq2data.workers.protocol import MOST_ATTEMPTS
from seq2data.workers.system.sentinel import kill
from seq2data.workers.task import TaskResult

UNWANTED_S = 1.0
"""How long a batch that nothing waits for may keep its worker from other batches."""
# Fork servers that die one after the other without a single answer in between.
_MOST_FORK_SERVERS = 5


class Deaths:
    """Handles the ends of workers and fork servers; used by the dispatcher's thread.

    Args:
        name: The source's, for messages.
        inbox: Gets the tasks that are to be read again.
        workers: The workers.
        fork_servers: The processes that make them.
        start_over: Called when the promoted worker has died.

    Attributes:
        num_lost: How many fork servers have died since the last answer of a worker.
    """

    def __init__(
        self,
        name: str,
        inbox: Inbox,
        workers: WorkerTable,
        fork_servers: ForkServers,
        start_over: Callable[[], object],
    ) -> None:
        self._name = name
        self._inbox = inbox
        self._workers = workers
        self._fork_servers = fork_servers
        self._start_over = start_over
        self.num_lost = 0

    def worker_hung_up(self, worker: WorkerHandle) -> None:
        """Handles a worker whose socket is closed at its end."""
        self._workers.await_status(worker)
        if worker.fork_server not in list(self._fork_servers):  # it sends no status
            self.end(worker, None, is_blamed=False)

    def fork_server_died(
        self, fork_server: AnyForkServer, status: Optional[int]
    ) -> None:
        """Handles a fork server that has ended; its workers die with it."""
        self.num_lost += 1
        for worker in self._workers:
            if worker.fork_server is fork_server and worker.pid is not None:
                kill(worker.pid, worker.sentinel)  # unless the kernel has done it
        for worker in list(self._workers.starting.values()):
            if worker.fork_server is fork_server:
                self._workers.dismiss(worker)
        for worker in list(self._workers.dying.values()):
            if worker.fork_server is fork_server:
                self.end(worker, None, is_blamed=False)
        if isinstance(fork_server, PromotedWorkerHandle):
            self._start_over()
        if self.num_lost >= _MOST_FORK_SERVERS:
            self._inbox.fail(
                WorkerCrashError(
                    f"the process that starts the workers of `{self._name}` died "
                    f"{self.num_lost} times in a row, at last so: "
                    f"{fork_server.fault or status_in_words(status)}",
                    status=status,
                )
            )

    def end(
        self, worker: WorkerHandle, status: Optional[int], *, is_blamed: bool = True
    ) -> None:
        """Reads a dead worker's batches again, or gives them up.

        Args:
            worker: One of the dying.
            status: How it ended; None if that is not known.
            is_blamed: True if it died by itself, perhaps of its batch.
        """
        if status is None and is_blamed and worker.pid is not None:
            kill(worker.pid, worker.sentinel)  # its socket is closed, but it may live
        self._workers.reap(worker)
        tasks = worker.remove_tasks()
        if tasks:
            tasks[0].attempts += is_blamed
        again = [
            task
            for task in tasks
            if task.is_repeatable and task.attempts < MOST_ATTEMPTS
        ]
        self._inbox.put_first(again)
        for task in tasks:
            if task not in again:
                error = crash_error(
                    *(self._name, worker.pid, status, task.indices),
                    epoch=task.epoch,
                    attempts=task.attempts,
                    fault=worker.fault,
                )
                task.finish(TaskResult(error=error))

    def end_overdue(self) -> None:
        """Ends dead workers whose exit status does not come."""
        for worker in self._workers.overdue():
            self.end(worker, None)

    def kill_unwanted(self) -> None:
        """Kills workers whose batch nothing waits for, and a fork server that is late.

        A fork server is late if a task that waits for a worker was abandoned.
        """
        inbox = self._inbox
        abandoned = [inbox.abandoned.popleft() for _ in range(len(inbox.abandoned))]
        for worker in self._workers:
            if worker.tasks and (
                worker.tasks[0] in abandoned or self._is_in_the_way(worker)
            ):
                self.kill(worker)
        are_late = [inbox.remove(task) for task in abandoned]
        fork_server = self._fork_servers.current
        if any(are_late) and fork_server and self._workers.awaits_fork_server:
            fork_server.kill()

    def _is_in_the_way(self, worker: WorkerHandle) -> bool:
        """True if other batches wait for one that is not wanted."""
        return (
            bool(self._inbox.tasks or len(worker.tasks) > 1)
            and not worker.tasks[0].is_wanted()
            and worker.since + UNWANTED_S <= time.monotonic()
        )

    def kill(self, worker: WorkerHandle, error: Optional[ReadError] = None) -> None:
        """Kills a worker; its first task ends in an error, the others are read again.

        Args:
            worker: A member that has a task.
            error: The error; None for one that says that the worker was killed.
        """
        assert worker.pid is not None
        message = f"worker pid {worker.pid} of `{self._name}` was killed"
        stuck, *behind = worker.remove_tasks()
        stuck.finish(TaskResult(error=error or WorkerCrashError(message, worker.pid)))
        self._inbox.put_first(behind)
        kill(worker.pid, worker.sentinel)
        self._workers.dismiss(worker)
