"""The parent's side of the worker processes.

    consumer's thread          dispatcher thread                worker process
    submit(task) --pending-->  lend a worker, send Read  ---->  read, write a segment
    future       <--result---  map the segment           <----  Result
                               replace the dead, read again

Consumers wait on futures, which end on an answer, on the error that a death becomes, or
on close.
"""

from __future__ import annotations

import atexit
import functools
import weakref
from typing import Callable, Optional

from seq2data.errors import WorkerCrashError
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.dispatcher import Dispatcher
from seq2data.workers.protocol import Reader
from seq2data.workers.system.limits import of_pool
from seq2data.workers.system.standard_streams import fill_standard_descriptors
from seq2data.workers.task import Task
from seq2data.workers.wire.stacks import is_stopped, python_stacks

# A pool may be gone whose dispatcher is still ending the workers.
_dispatchers: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


class ProcessPool:
    """Worker processes that read one source.

    Args:
        name: The source's, for messages.
        workers: How many at most; they are started when there is work for them.
        free_segments: How many a worker keeps warm for its next batches.
        start_method: `"fork"` (from the fork server) or `"exec"`.
        before_assign: Called in the dispatcher before tasks are handed out.
    """

    shares_generators = False

    def __init__(
        self,
        name: str,
        workers: int,
        free_segments: int,
        *,
        start_method: str = "fork",
        before_assign: Callable[[], object] = lambda: None,
    ) -> None:
        self.readers = "1 process" if workers == 1 else f"{workers} processes"
        try:
            fill_standard_descriptors()
            self._dispatcher = Dispatcher(
                name, workers, free_segments, start_method, before_assign
            )
        except OSError as error:
            raise WorkerCrashError(
                f"no worker for `{name}` could be started: {of_pool(error, workers)}"
            ) from error
        _dispatchers.add(self._dispatcher)

    def load(self, source: object) -> bool:
        """Makes later tasks see the source as it is now; whether it has changed.

        Raises:
            PayloadError: It cannot be sent.
        """
        before = self._dispatcher.payload
        self._dispatcher.payload = pack(source, before)
        return self._dispatcher.payload is not before

    def submit(self, task: Task) -> None:
        """Queues a task; tasks start in the order in which they were submitted."""
        self._dispatcher.submit(task)

    def reader_of(self, task: Task) -> Optional[Reader]:
        """The worker that is reading a task, None if it waits for one."""
        for worker in self._dispatcher.worker_table:
            if worker.tasks and worker.tasks[0] is task and worker.pid is not None:
                stacks = functools.partial(python_stacks, worker.pid, worker.stacks)
                return Reader(worker.pid, worker.since, stacks)
        return None

    def starter(self) -> Optional[Reader]:
        """The fork server, None if nobody waits for it."""
        fork_server = self._dispatcher.fork_servers.current
        if fork_server is None or not self._dispatcher.worker_table.awaits_fork_server:
            return None
        stacks = functools.partial(python_stacks, fork_server.pid, fork_server.stacks)
        is_loading = fork_server.is_loading and not is_stopped(fork_server.pid)
        return Reader(fork_server.pid, fork_server.since, stacks, is_loading)

    def abandon(self, task: Task) -> None:
        """Kills the worker that is reading a task, or who was to make one for it."""
        self._dispatcher.abandon(task)

    def close(self, wait: bool = True) -> None:
        """Ends the workers and the fork server; tasks that are left end in an error.

        Without `wait` it takes no lock, so that a finalizer may call it anywhere.
        """
        self._dispatcher.close(wait)


@atexit.register
def _close_all() -> None:
    for dispatcher in list(_dispatchers):
        dispatcher.close(wait=True)
