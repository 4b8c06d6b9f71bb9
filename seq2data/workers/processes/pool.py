"""The pool of worker processes, as the pipeline sees it.

    consumer's thread          dispatcher's thread               worker process
    submit(task) --inbox---->  send Read to a worker   ------>   read, write a segment
    future       <--result---  map the segment         <------   Result
                               replace the dead, read again

Consumers wait for futures. These end in an answer, in the error that a death becomes,
or in the one of `close`.
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
from seq2data.workers.transport.protocol import Transport
from seq2data.workers.transport.segments import SEGMENTS
from seq2data.workers.wire.stacks import is_stopped, python_stacks

# A pool may be gone whose dispatcher is still ending the workers.
_dispatchers: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


class ProcessPool:
    """Worker processes that read one source; see `Pool`.

    Args:
        name: The source's, for messages.
        workers: How many there may be. They start when there are tasks.
        free_segments: How many segments a worker keeps for its next batches.
        start_method: `"fork"` (from the fork server) or `"exec"`.
        before_send: Called in the dispatcher's thread before a task is sent.
        transport: How batches come from the workers.

    Raises:
        WorkerCrashError: The system refuses a thread or a socket.
    """

    shares_generators = False

    def __init__(
        self,
        name: str,
        workers: int,
        free_segments: int,
        *,
        start_method: str = "fork",
        before_send: Callable[[], object] = lambda: None,
        transport: Transport = SEGMENTS,
    ) -> None:
        self.readers = "1 process" if workers == 1 else f"{workers} processes"
        try:
            fill_standard_descriptors()
            self._dispatcher = Dispatcher(
                *(name, workers, free_segments, transport),
                start_method=start_method,
                before_send=before_send,
            )
        except OSError as error:
            raise WorkerCrashError(
                f"no worker for `{name}` could be started: {of_pool(error, workers)}"
            ) from error
        _dispatchers.add(self._dispatcher)

    def load(self, source: object) -> bool:
        """Sends the source, as it is now, to the workers with their next task."""
        before = self._dispatcher.inbox.payload
        self._dispatcher.inbox.payload = pack(source, before)
        return self._dispatcher.inbox.payload is not before

    def submit(self, task: Task) -> None:
        """Queues a task."""
        self._dispatcher.submit(task)

    def reader_of(self, task: Task) -> Optional[Reader]:
        """Returns the worker that is reading a task, None if it waits for one."""
        for worker in self._dispatcher.workers:
            # Copied at once: the dispatcher may remove the task at any moment.
            if tuple(worker.tasks)[:1] == (task,) and worker.pid is not None:
                stacks = functools.partial(python_stacks, worker.pid, worker.stacks)
                return Reader(worker.pid, worker.since, stacks)
        return None

    def starter(self) -> Optional[Reader]:
        """Returns the fork server, None if no worker waits for it."""
        fork_server = self._dispatcher.fork_servers.current
        if fork_server is None or not self._dispatcher.workers.awaits_fork_server:
            return None
        stacks = functools.partial(python_stacks, fork_server.pid, fork_server.stacks)
        is_loading = fork_server.is_loading and not is_stopped(fork_server.pid)
        return Reader(fork_server.pid, fork_server.since, stacks, is_loading)

    def abandon(self, task: Task) -> None:
        """Kills the worker that is reading a task, or the late fork server."""
        self._dispatcher.inbox.abandon(task)

    def close(self, wait: bool = True) -> None:
        """Ends the workers and the fork server; tasks that are left end in an error.

        Without `wait` it takes no lock, so that a finalizer may call it anywhere.
        """
        self._dispatcher.close(wait)


@atexit.register
def _close_all() -> None:
    for dispatcher in list(_dispatchers):
        dispatcher.close(wait=True)
