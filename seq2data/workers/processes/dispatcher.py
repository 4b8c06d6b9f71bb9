"""The one thread that owns the workers of a pool, their fork server and every socket.

It waits in one place, `EventLoop.run_once`. Each thing that it waits for ends that
wait: an answer, a death (the process's sentinel, end of file, or the fork server's
Exited), a new task or `close` (the inbox), or the time limit.

A task goes this way: `submit` puts it into the inbox, and wakes the thread if a worker
could take it. The assigner sends it to a worker, or asks the fork server for one more.
The worker's Result ends the future. If the worker dies first, the task goes back to the
head of the inbox, a few times; then its future ends in an error.

    inbox                what other threads want
    worker_table         the workers, by what they do
    fork_server_handle   the processes that make workers
    assigner             which worker gets which task
    first_read_policy    what the first read changes
    answers              what workers send
    deaths               what becomes of the tasks of a dead process
"""

from __future__ import annotations

import operator
import os
import threading
import time
from typing import Callable

from seq2data.errors import Seq2DataError, WorkerCrashError
from seq2data.exception_text import traceback_of
from seq2data.workers.fault import OURS
from seq2data.workers.processes.answers import Answers, Messages
from seq2data.workers.processes.assigner import Assigner
from seq2data.workers.processes.deaths import UNWANTED_S, Deaths
from seq2data.workers.processes.event_loop import EventLoop
from seq2data.workers.processes.first_read_policy import FirstReads
from seq2data.workers.processes.fork_server_handle import (
    AnyForkServer,
    ForkServerHandle,
    ForkServers,
)
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.processes.worker_table import STATUS_S, WorkerTable
from seq2data.workers.system.limits import start_thread
from seq2data.workers.task import Task
from seq2data.workers.transport.protocol import Transport
from seq2data.workers.wire.messages import (
    Exited,
    Fault,
    Forked,
    ForkFailed,
    LoadFailed,
    Ready,
)

_CHECK_S = UNWANTED_S / 2
_TASKS = operator.attrgetter("tasks")


class Dispatcher:
    """Runs the event loop, and passes on what the processes send.

    Args:
        name: The source's, for messages.
        most_workers: How many workers there may be. They start when there are tasks.
        free_segments: How many segments a worker keeps for its next batches.
        transport: How batches come from the workers.
        start_method: `"fork"` (from the fork server) or `"exec"`.
        before_send: Called in this thread before a task is sent.

    Attributes:
        inbox: For other threads.
        workers: The workers; other threads may look at them.
        fork_servers: The processes that make them; other threads may look at them.
    """

    def __init__(
        self,
        name: str,
        most_workers: int,
        free_segments: int,
        transport: Transport,
        *,
        start_method: str,
        before_send: Callable[[], object],
    ) -> None:
        self._owner = os.getpid()
        """The process that has the thread; a fork of it has not."""
        self._name = name
        self._is_closing = False
        """Set by any thread, once; ends the loop."""
        self._has_ended = False
        """Set by the dispatcher's thread after its last look at the inbox."""
        self._check_at = 0.0
        """When to look for unwanted batches next; for the dispatcher's thread."""
        self._has_begun = threading.Event()
        """Set by the dispatcher's thread at its first line."""
        self._loop = EventLoop()
        self.inbox = Inbox()
        self.workers = WorkerTable(
            most_workers, self._loop, self._from_worker, self._worker_died
        )
        self.fork_servers = ForkServers(
            start_method, self._loop, self._from_fork_server, self._fork_server_died
        )
        first_reads = FirstReads()
        self._assigner = Assigner(
            name,
            transport,
            free_segments,
            inbox=self.inbox,
            workers=self.workers,
            fork_servers=self.fork_servers,
            first_reads=first_reads,
            before_send=before_send,
            on_worker_hang_up=self._worker_hung_up,
            on_fork_server_hang_up=self._fork_server_died,
        )
        self._deaths = Deaths(
            name,
            self.inbox,
            self.workers,
            self.fork_servers,
            self._assigner.start_over,
        )
        self._answers = Answers(
            name,
            inbox=self.inbox,
            workers=self.workers,
            fork_servers=self.fork_servers,
            first_reads=first_reads,
            assigner=self._assigner,
            deaths=self._deaths,
        )
        self._loop.watch(self.inbox.fileno(), self.inbox.clear)
        self._thread = threading.Thread(
            target=self._run, name=f"seq2data dispatcher of {name}", daemon=True
        )
        try:
            start_thread(self._thread, self._has_begun, most_workers)
        except BaseException:
            self.inbox.close()
            raise

    # -- Any thread ---------------------------------------------------------------

    def submit(self, task: Task) -> None:
        """Queues a task."""
        self.inbox.tasks.append(task)
        # The dispatcher looks at the inbox whenever a worker becomes idle, so a task
        # that comes while all are busy does not wake it.
        workers = self.workers
        if workers.idle or len(workers.members) < workers.most or self._is_closing:
            self.inbox.wake()
        if self._has_ended:
            self.inbox.fail(self._stopped())

    def close(self, wait: bool) -> None:
        """Ends everything; tasks that are left end in an error.

        Without `wait` it takes no lock.
        """
        if os.getpid() != self._owner:
            return  # this is a fork, and the workers are the original's
        self._is_closing = True
        self.inbox.wake()
        if wait and self._thread is not threading.current_thread():
            self._thread.join()

    # -- The dispatcher's thread --------------------------------------------------

    def _run(self) -> None:
        error = self._stopped()
        try:
            self._has_begun.set()
            while not self._is_closing:
                self._step()
        except BaseException as bug:
            error = WorkerCrashError(f"{OURS}:\n{traceback_of(bug)}")
            raise
        finally:
            self._tear_down(error)

    def _stopped(self) -> WorkerCrashError:
        return WorkerCrashError(f"the workers of `{self._name}` were stopped")

    def _step(self) -> None:
        workers = self.workers
        # A batch stops being wanted without a message, so all are checked now and then.
        is_at_work = any(map(_TASKS, workers.members.values()))
        timeout_s = _CHECK_S if is_at_work else None
        self._loop.run_once(STATUS_S if workers.dying else timeout_s)
        if workers.dying:
            self._deaths.end_overdue()
        now = time.monotonic()
        if self.inbox.abandoned or now >= self._check_at:
            self._check_at = now + _CHECK_S
            self._deaths.kill_unwanted()
        self._assigner.assign()

    def _from_fork_server(self, fork_server: AnyForkServer) -> None:
        try:
            messages = fork_server.channel.receive_ready()
        except EOFError:
            self._fork_server_died(fork_server)
        else:
            self._handle(fork_server, messages)

    def _fork_server_died(self, fork_server: AnyForkServer) -> None:
        last = fork_server.channel.receive_rest()
        status = self.fork_servers.close(fork_server)  # so it is asked for nothing more
        self._handle(fork_server, last)
        self._deaths.fork_server_died(fork_server, status)

    def _handle(self, fork_server: AnyForkServer, messages: Messages) -> None:
        for message, _ in messages:
            if isinstance(message, Forked):
                self.workers.start(message)
            elif isinstance(message, ForkFailed):
                self.workers.dismiss(self.workers.starting[message.worker])
                self._assigner.fail_to_start(message.reason)
            elif isinstance(message, Exited):
                self._exited(message)
            elif isinstance(message, Fault):
                fork_server.fault = message.text
            elif isinstance(message, LoadFailed):
                assert isinstance(fork_server, ForkServerHandle)
                fork_server.forget_source()
                fork_server.is_loading = False
                self._answers.fail_to_load(message, fork_server.pid)
            else:
                assert isinstance(message, Ready)
                fork_server.is_loading = False

    def _exited(self, message: Exited) -> None:
        worker = self.workers.with_pid(message.pid)
        if worker is not None and worker.number in self.workers.members:
            self._worker_died(worker)
        if worker is not None and message.pid in self.workers.dying:
            self._deaths.end(worker, message.status)

    def _from_worker(self, worker: WorkerHandle) -> None:
        try:
            messages = worker.channel.receive_ready()
        except EOFError:
            self._worker_hung_up(worker)
        else:
            self._answers.handle(worker, messages)

    def _worker_died(self, worker: WorkerHandle) -> None:
        """Handles a dead worker, although its child may still hold its socket open."""
        self._answers.handle(worker, worker.channel.receive_rest())
        if worker.number in self.workers.members:
            self._worker_hung_up(worker)

    def _worker_hung_up(self, worker: WorkerHandle) -> None:
        self._deaths.worker_hung_up(worker)

    def _tear_down(self, error: Seq2DataError) -> None:
        left = [*self.workers, *self.workers.dying.values()]
        for worker in self.workers:
            self.workers.dismiss(worker)
        for worker in list(self.workers.dying.values()):
            self.workers.reap(worker)
        for fork_server in self.fork_servers:
            self.fork_servers.close(fork_server)
        self.inbox.payload = None
        self._has_ended = True
        self.inbox.close()
        for worker in left:
            self.inbox.put_first(worker.remove_tasks())
        self.inbox.fail(error)
