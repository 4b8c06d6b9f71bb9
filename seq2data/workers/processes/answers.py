"""Handles what workers send: results, errors and faults."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Optional

from seq2data.errors import ReadError
from seq2data.workers.failures import error_of
from seq2data.workers.processes.assigner import Assigner
from seq2data.workers.processes.deaths import Deaths
from seq2data.workers.processes.first_read_policy import FirstReads
from seq2data.workers.processes.fork_server_handle import ForkServers
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.processes.worker_table import WorkerTable
from seq2data.workers.wire.channel import DescriptorsLostError
from seq2data.workers.wire.messages import Effect, Fault, LoadFailed, Result

Messages = Sequence[tuple[Any, list[int]]]
"""Messages, each with the descriptors that have come with it."""


class Answers:
    """Ends tasks with what workers have read; used by the dispatcher's thread.

    Args:
        name: The source's, for messages.
        inbox: Gets the tasks that are to be read again.
        workers: The workers.
        fork_servers: The processes that make them.
        first_reads: The policy for first reads.
        assigner: Gives the worker its next task.
        deaths: Kills workers.
    """

    def __init__(
        self,
        name: str,
        *,
        inbox: Inbox,
        workers: WorkerTable,
        fork_servers: ForkServers,
        first_reads: FirstReads,
        assigner: Assigner,
        deaths: Deaths,
    ) -> None:
        self._name = name
        self._inbox = inbox
        self._workers = workers
        self._fork_servers = fork_servers
        self._first_reads = first_reads
        self._assigner = assigner
        self._deaths = deaths

    def handle(self, worker: WorkerHandle, messages: Messages) -> None:
        for message, descriptors in messages:
            if worker.number not in self._workers.members:
                # Found dead when it got its next task; its batches are read again.
                for descriptor in descriptors:
                    os.close(descriptor)
            elif type(message) is Result:
                self._finish_task(worker, message, descriptors)
            elif isinstance(message, DescriptorsLostError):
                self._fail_to_receive(worker, message)
            elif isinstance(message, LoadFailed):
                self._inbox.put_first(worker.remove_tasks())
                self.fail_to_load(message, worker.pid)
                self._workers.dismiss(worker)
            else:
                assert isinstance(message, Fault)
                worker.fault = message.text

    def _finish_task(
        self, worker: WorkerHandle, message: Result, descriptors: list[int]
    ) -> None:
        self._deaths.num_lost = 0
        self._assigner.task_s = message.seconds
        finished = self._workers.finish(worker)
        if message.effect is not None:
            self._keep_effect(worker, message.effect)
        # The worker gets its next task before its answer is looked at.
        self._assigner.assign()
        result = worker.result(message, descriptors, self._name, finished)
        finished[0].finish(result)

    def _keep_effect(self, worker: WorkerHandle, effect: Effect) -> None:
        if self._first_reads.keep(effect, can_promote=not worker.tasks):
            self._workers.release(worker)
            self._fork_servers.promote(worker)

    def _fail_to_receive(self, worker: WorkerHandle, error: OSError) -> None:
        """Ends a worker whose batch cannot be received here."""
        task = worker.tasks[0]
        message = f"batch {task.indices[0]} of `{self._name}`: {error}"
        self._deaths.kill(worker, ReadError(message, task.indices[0], task.epoch))

    def fail_to_load(self, message: LoadFailed, pid: Optional[int]) -> None:
        """Ends all tasks in the error that loading the source has raised."""
        self._inbox.fail(error_of(message.failure, self._name, None, pid))
