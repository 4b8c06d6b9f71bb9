"""The one thread that owns the workers of a pool, their fork server and every socket.

It waits in one place, `selector.select`, and each thing that it can wait for ends that
wait: an answer, a death (the process's sentinel, end of file, or the fork server's Exited),
a new task or close (the bell), a time limit (the select's own).

A task goes this way: `submit` puts it into the inbox and rings if a worker could take
it; `_assign` gives it to one, or asks the fork server for one more; its Result ends the
future. Where the worker dies first, the task goes back to the head of the inbox, a
few times; then its future ends in the crash.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Callable, Optional

from seq2data.errors import ReadError, Seq2DataError, WorkerCrashError
from seq2data.exception_text import traceback_of
from seq2data.workers.failures import crash_error, error_of, status_in_words
from seq2data.workers.fault import OURS
from seq2data.workers.payload.payload import Payload
from seq2data.workers.processes.fork_server_handle import (
    ForkServerHandle,
    PromotedWorkerHandle,
)
from seq2data.workers.processes.fork_servers import (
    AnyForkServer,
    FirstReads,
    ForkServers,
)
from seq2data.workers.processes.inbox import Inbox
from seq2data.workers.processes.wakeup import Wakeup
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.processes.worker_table import STATUS_S, WorkerTable
from seq2data.workers.system.limits import of_pool, start_thread
from seq2data.workers.system.sentinel import kill, open_sentinel
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.wire.channel import DescriptorsLostError, pair
from seq2data.workers.wire.messages import (
    Effect,
    Exited,
    Fault,
    Forked,
    ForkFailed,
    LoadFailed,
    Ready,
)
from seq2data.workers.wire.recall import RecallPipe

# A batch that has killed four workers in a row would kill the fifth, too.
_MOST_ATTEMPTS = 4
# A batch that nobody waits for any more may keep its worker so long from other batches.
_UNWANTED_S = 1.0
# A worker waits about 1 ms for its next task, unless that is there already. A longer
# one is worth the wait: it may find a worker that is idle sooner.
_SHORT_TASK_S = 0.05
# ForkServers that die one after the other without a single answer in between.
_MOST_FORK_SERVERS = 5

_Messages = Iterable[tuple[Any, list[int]]]


class Dispatcher:
    """Gives tasks to workers; starts, replaces and ends these.

    Args:
        name: The source's, for messages.
        workers: How many at most; they are started when there is work for them.
        free_segments: How many a worker keeps warm for its next batches.
        start_method: `"fork"` (from the fork server) or `"exec"`.
        before_assign: Called in this thread before tasks are handed out.
    """

    def __init__(
        self,
        name: str,
        workers: int,
        free_segments: int,
        start_method: str,
        before_assign: Callable[[], object],
    ) -> None:
        self.worker_table = WorkerTable(workers)
        self.payload: Optional[Payload] = None
        """What tasks are read from that are handed out from now on."""
        self._owner = os.getpid()
        self._name = name
        self._free_segments = free_segments
        self._before_assign = before_assign
        self._inbox = Inbox()
        self._abandoned: deque[Task] = deque()
        self._fork_servers_lost = 0
        self._made_workers = 0
        self._task_s = math.inf
        self._is_closing = False
        self._is_gone = False
        self._began = threading.Event()
        self._selector = selectors.DefaultSelector()
        self.fork_servers = ForkServers(
            *(start_method, self._selector),
            *(self._from_fork_server, self._lose_fork_server),
        )
        self._first_reads = FirstReads()
        self._wakeup = Wakeup()
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._wakeup.clear)
        self._thread = threading.Thread(
            target=self._run, name=f"seq2data dispatcher of {name}", daemon=True
        )
        try:
            start_thread(self._thread, self._began, workers)
        except BaseException:
            self._selector.close()
            self._wakeup.close()
            raise

    # -- Any thread ---------------------------------------------------------------

    def submit(self, task: Task) -> None:
        """Queues a task."""
        self._inbox.add(task)
        # The inbox is looked at after every change of the idle, so that a task put
        # there while nobody is idle needs no ringing of its own.
        if self.worker_table.idle or not self.worker_table.is_full or self._is_closing:
            self._wakeup.wake()
        if self._is_gone:
            self._inbox.fail(self._stopped())

    def abandon(self, task: Task) -> None:
        """Has the worker killed that is reading a task."""
        self._abandoned.append(task)
        self._wakeup.wake()

    def close(self, wait: bool) -> None:
        """Ends everything; tasks that are left end in an error.

        Without `wait` it takes no lock.
        """
        if os.getpid() != self._owner:
            return  # in a fork of it the workers are not ours
        self._is_closing = True
        self._wakeup.wake()
        if wait and self._thread is not threading.current_thread():
            self._thread.join()

    # -- The dispatcher's thread --------------------------------------------------

    def _run(self) -> None:
        error = self._stopped()
        try:
            self._began.set()
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
        for key, _ in self._selector.select(self._patience()):
            if self._selector.get_map().get(key.fd) is not key:
                continue  # closed by what came before it; its number may be another's
            try:
                key.data()
            except EOFError:
                self._hung_up(key.fileobj)
        for worker in self.worker_table.overdue():
            self._forget_dead(worker, None)
        self._take_away()
        self._assign()

    def _patience(self) -> Optional[float]:
        if self.worker_table.dying:
            return STATUS_S
        # Nobody tells us that a pass was given up, so look now and then.
        is_at_work = any(worker.tasks for worker in self.worker_table)
        return _UNWANTED_S if is_at_work else None

    # Handing out

    def _assign(self) -> None:
        if self._inbox:
            self._before_assign()
        if self.worker_table.idle and not self._inbox:
            self._inbox.put_back(self.worker_table.take_back(_SHORT_TASK_S))
        while self.worker_table.idle and (taken := self._take()):
            self._send(self.worker_table.idle.popleft(), *taken)
        if self._first_reads.is_awaited:
            if self._inbox and not self.worker_table.members:
                self._start_worker()
            return
        # A second task each for workers whose tasks are short beside the way here.
        busy = self.worker_table.busy
        while busy and self._task_s < _SHORT_TASK_S and (taken := self._take()):
            self._send(busy.popleft(), *taken)
        for _ in range(self.worker_table.num_wanted(len(self._inbox))):
            if not self._start_worker():
                break

    def _take(self) -> Optional[tuple[Task, Payload]]:
        """The next task and what it is read from, if the workers can have that."""
        task = self._inbox.take()
        if task is None:
            return None
        # Looked at after the task, which may be for a payload that has just come.
        payload = self.payload
        assert payload is not None
        if self.fork_servers.is_outdated(payload):
            self._inbox.put_back([task])
            self._start_over()
            return None
        return task, payload

    def _send(self, worker: WorkerHandle, task: Task, payload: Payload) -> None:
        if not worker.tasks:
            self.worker_table.begin(worker)
        try:
            first = self._first_reads.prepare(worker, task, payload.version)
            wants_effect = self._first_reads.wants_effect(task)
            worker.ask(task, payload, first, wants_effect)
        except EOFError:
            self._hung_up(worker.channel)

    def _start_worker(self) -> bool:
        payload = self.payload  # another thread may change it
        assert payload is not None
        if self.fork_servers.is_outdated(payload):
            self._start_over()
            self._wakeup.wake()
            return False
        try:
            fork_server = self.fork_servers.running()
            claims = RecallPipe()
            try:
                channel, theirs = pair()
            except BaseException:
                claims.close()
                raise
        except OSError as error:
            self._cannot_start(of_pool(error, self.worker_table.most))
            return False
        number = self._made_workers
        self._made_workers += 1
        self.worker_table.add(
            WorkerHandle(number, channel, claims, fork_server, self._free_segments),
            theirs,
        )
        try:
            descriptors = [theirs.fileno(), claims.fileno()]
            fork_server.request_worker(number, descriptors, payload)
        except EOFError:
            self._lose_fork_server(fork_server)
            self._wakeup.wake()  # there may be nobody else to have us ask another one
            return False
        return True

    def _start_over(self) -> None:
        """Ends the workers that start from a first read; another one is to be made."""
        for worker in self.worker_table:
            self._inbox.put_back(worker.give_back())
            self._dismiss(worker)
        self.fork_servers.close_forked()
        self._first_reads.begin_again()

    # What the fork servers say

    def _from_fork_server(self, fork_server: AnyForkServer) -> None:
        self._hear(fork_server, fork_server.channel.receive_ready())

    def _hear(self, fork_server: AnyForkServer, messages: _Messages) -> None:
        for message, _ in messages:
            if isinstance(message, Forked):
                self._forked(message)
            elif isinstance(message, ForkFailed):
                self._dismiss(self.worker_table.starting[message.worker])
                self._cannot_start(message.reason)
            elif isinstance(message, Exited):
                self._exited(message)
            elif isinstance(message, Fault):
                fork_server.fault = message.text
            elif isinstance(message, LoadFailed):
                assert isinstance(fork_server, ForkServerHandle)
                fork_server.forget_source()
                fork_server.is_loading = False
                self._cannot_load(message, fork_server.pid)
            else:
                assert isinstance(message, Ready)
                fork_server.is_loading = False

    def _forked(self, message: Forked) -> None:
        worker = self.worker_table.start(message, open_sentinel(message.pid))
        self._selector.register(
            worker.channel, selectors.EVENT_READ, lambda: self._from_worker(worker)
        )
        if worker.sentinel is not None:
            self._selector.register(
                worker.sentinel, selectors.EVENT_READ, lambda: self._died(worker)
            )

    def _exited(self, message: Exited) -> None:
        worker = self.worker_table.with_pid(message.pid)
        if worker is not None and worker.number in self.worker_table.members:
            self._died(worker)
        if worker is not None and message.pid in self.worker_table.dying:
            self._forget_dead(worker, message.status)

    def _cannot_start(self, reason: str) -> None:
        if len(self.worker_table.members) > len(self.worker_table.starting):
            return  # fewer workers than wished for, but they do the work
        self._inbox.fail(
            WorkerCrashError(f"no worker for `{self._name}` could be started: {reason}")
        )

    def _cannot_load(self, message: LoadFailed, pid: Optional[int]) -> None:
        self._inbox.fail(error_of(message.failure, self._name, None, pid))

    # What workers say

    def _from_worker(self, worker: WorkerHandle) -> None:
        self._listen(worker, worker.channel.receive_ready())

    def _listen(self, worker: WorkerHandle, messages: _Messages) -> None:
        for message, descriptors in messages:
            if worker.number not in self.worker_table.members:
                # Found dead when it got its next task; its batches are read again.
                for descriptor in descriptors:
                    os.close(descriptor)
                continue
            if isinstance(message, DescriptorsLostError):
                self._fail_worker(worker, message)
                return
            if isinstance(message, LoadFailed):
                self._inbox.put_back(worker.give_back())
                self._cannot_load(message, worker.pid)
                self._dismiss(worker)
                return  # it is gone, with whatever else it said
            if isinstance(message, Fault):
                worker.fault = message.text
                continue
            self._fork_servers_lost = 0
            self._task_s = message.seconds
            task = self.worker_table.finish(worker)
            if message.effect is not None:
                self._learn(worker, message.effect)
            # It gets something to do before anybody looks at what it brought.
            self._assign()
            task.finish(worker.result(message, descriptors, self._name, task))

    def _learn(self, worker: WorkerHandle, effect: Effect) -> None:
        """What a first read did; its worker may have to make the others from now on."""
        if self._first_reads.learn(effect, can_promote=not worker.tasks):
            self._unwatch(worker)
            self.worker_table.release(worker)
            self.fork_servers.promote(worker)

    # Workers go

    def _hung_up(self, channel: Any) -> None:
        for fork_server in self.fork_servers:
            if channel is fork_server.channel:
                self._lose_fork_server(fork_server)
                return
        worker = next(
            worker for worker in self.worker_table if worker.channel is channel
        )
        self._unwatch(worker)
        self.worker_table.wait_for_status(worker)
        if worker.fork_server not in list(self.fork_servers):  # so nobody will tell it
            self._forget_dead(worker, None, is_blamed=False)

    def _died(self, worker: WorkerHandle) -> None:
        """It is dead, though a child of its may still hold its end of the channel."""
        self._listen(worker, worker.channel.receive_rest())
        if worker.number in self.worker_table.members:
            self._hung_up(worker.channel)

    def _lose_fork_server(self, fork_server: AnyForkServer) -> None:
        """Its workers die with it; nobody is left to tell their statuses."""
        last_words = fork_server.channel.receive_rest()
        self._fork_servers_lost += 1
        status = self.fork_servers.close(fork_server)  # and nobody asks it for a worker
        self._hear(fork_server, last_words)
        for worker in self.worker_table:
            if worker.fork_server is fork_server and worker.pid is not None:
                kill(worker.pid, worker.sentinel)  # unless the kernel has done it
        for worker in list(self.worker_table.starting.values()):
            if worker.fork_server is fork_server:
                self._dismiss(worker)
        for worker in list(self.worker_table.dying.values()):
            if worker.fork_server is fork_server:
                self._forget_dead(worker, None, is_blamed=False)
        if isinstance(fork_server, PromotedWorkerHandle):
            self._start_over()
        if self._fork_servers_lost >= _MOST_FORK_SERVERS:
            self._inbox.fail(
                WorkerCrashError(
                    f"the process that starts the workers of `{self._name}` died "
                    f"{self._fork_servers_lost} times in a row, at last so: "
                    f"{fork_server.fault or status_in_words(status)}",
                    status=status,
                )
            )

    def _forget_dead(
        self, worker: WorkerHandle, status: Optional[int], *, is_blamed: bool = True
    ) -> None:
        """Reads a dead worker's batches again, or gives them up.

        Args:
            worker: One of the dying.
            status: How it ended; None if nobody knows.
            is_blamed: Whether it died by itself, perhaps of its batch.
        """
        if status is None and is_blamed and worker.pid is not None:
            kill(worker.pid, worker.sentinel)  # it has hung up, and may live on
        self.worker_table.forget_dead(worker)
        tasks = worker.give_back()
        if tasks:
            tasks[0].attempts += is_blamed
        again = [
            task
            for task in tasks
            if task.is_repeatable and task.attempts < _MOST_ATTEMPTS
        ]
        self._inbox.put_back(again)
        for task in tasks:
            if task not in again:
                error = crash_error(
                    *(self._name, worker.pid, status, task.indices),
                    epoch=task.epoch,
                    attempts=task.attempts,
                    fault=worker.fault,
                )
                task.finish(TaskResult(error=error))

    def _take_away(self) -> None:
        """Kills workers whose batch nobody waits for, and who makes none in time."""
        abandoned = [self._abandoned.popleft() for _ in range(len(self._abandoned))]
        for worker in self.worker_table:
            if worker.tasks and (
                worker.tasks[0] in abandoned or self._is_in_the_way(worker)
            ):
                self._kill(worker)
        is_late = [self._inbox.remove(task) for task in abandoned]
        fork_server = self.fork_servers.current
        if (
            any(is_late)
            and fork_server is not None
            and self.worker_table.awaits_fork_server
        ):
            fork_server.kill()  # which ends the wait for it as any death of its does

    def _is_in_the_way(self, worker: WorkerHandle) -> bool:
        """Whether it keeps other batches waiting for an unwanted one."""
        return (
            bool(self._inbox or len(worker.tasks) > 1)
            and not worker.tasks[0].is_wanted()
            and worker.since + _UNWANTED_S <= time.monotonic()
        )

    def _fail_worker(self, worker: WorkerHandle, error: OSError) -> None:
        """Its batch was read, and cannot be received."""
        task = worker.tasks[0]
        message = f"batch {task.indices[0]} of `{self._name}`: {error}"
        self._kill(worker, ReadError(message, task.indices[0], task.epoch))

    def _kill(self, worker: WorkerHandle, error: Optional[ReadError] = None) -> None:
        assert worker.pid is not None
        message = f"worker pid {worker.pid} of `{self._name}` was taken away"
        stuck, *behind = worker.give_back()
        stuck.finish(TaskResult(error=error or WorkerCrashError(message, worker.pid)))
        self._inbox.put_back(behind)
        kill(worker.pid, worker.sentinel)
        self._dismiss(worker)

    def _dismiss(self, worker: WorkerHandle) -> None:
        self._unwatch(worker)
        self.worker_table.dismiss(worker)

    def _unwatch(self, worker: WorkerHandle) -> None:
        with contextlib.suppress(KeyError):  # it never started
            self._selector.unregister(worker.channel)
        if worker.sentinel is not None:
            self._selector.unregister(worker.sentinel)

    # The end

    def _tear_down(self, error: Seq2DataError) -> None:
        left = [*self.worker_table, *self.worker_table.dying.values()]
        for worker in self.worker_table:
            self._dismiss(worker)
        for worker in list(self.worker_table.dying.values()):
            self.worker_table.forget_dead(worker)
        for fork_server in self.fork_servers:
            self.fork_servers.close(fork_server)
        self.payload = None
        self._is_gone = True
        self._selector.close()
        self._wakeup.close()
        self._inbox.put_back([task for worker in left for task in worker.give_back()])
        self._inbox.fail(error)
