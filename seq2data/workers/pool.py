"""The parent's side of the worker processes.

    consumer's thread          dispatcher thread                worker process
    submit(task) --pending-->  lend a worker, send Read  ---->  read, write a segment
    future       <--result---  map the segment           <----  Result
                               replace the dead, read again

One dispatcher thread owns all workers, the nursery and every socket. It waits in one
place, `selector.select`, and each thing that it can wait for ends that wait: an answer,
a death (end of file, or the nursery's Exited), a new task or close (the bell), a time
limit (the select's own). Consumers wait on futures, which end on an answer, on the
error that a death becomes, or on close.

A task goes this way: `submit` puts it into `_pending` and wakes the dispatcher if a
worker is idle; `_assign` gives it to one, or asks the nursery for one more; its Result
ends the future. Where the worker dies first, the task goes back to the head of the
queue, a few times; then its future ends in the crash.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import selectors
import signal
import socket
import threading
import time
import weakref
from collections import deque
from typing import Any, Callable, Optional

from seq2data.errors import (
    BatchTimeoutError,
    ReadError,
    Seq2DataError,
    WorkerCrashError,
)
from seq2data.workers.channel import pair
from seq2data.workers.crash import crash_error, error_of, status_in_words
from seq2data.workers.messages import (
    Exited,
    Forked,
    ForkFailed,
    LoadFailed,
    Ready,
    Result,
)
from seq2data.workers.nursery_handle import NurseryHandle
from seq2data.workers.payload import Payload, pack
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.worker_handle import WorkerHandle

# A batch that has killed four workers in a row would kill the fifth, too.
_MOST_ATTEMPTS = 4
# A batch that nobody waits for any more may keep its worker so long from other batches.
_UNWANTED_S = 1.0
# A worker waits about 1 ms for its next task, unless that is there already. A longer
# one is worth the wait: it may find a worker that is idle sooner.
_SHORT_TASK_S = 0.05
# Nurseries that die one after the other without a single answer in between.
_MOST_NURSERIES = 5

_open_pools: weakref.WeakSet[ProcessPool] = weakref.WeakSet()


class ProcessPool:
    """Worker processes that read one source.

    Args:
        name: The source's, for messages.
        workers: How many at most; they are started when there is work for them.
        free_segments: How many a worker keeps warm for its next batches.
        start_method: `"fork"` (from the nursery) or `"exec"`.
        timeout: Seconds a batch may take, None for no limit.
        before_assign: Called in the dispatcher before tasks are handed out.
    """

    def __init__(
        self,
        name: str,
        workers: int,
        free_segments: int,
        *,
        start_method: str = "fork",
        timeout: Optional[float] = None,
        before_assign: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._most_workers = workers
        self._free_segments = free_segments
        self._start_method = start_method
        self._timeout = math.inf if timeout is None else timeout
        self._before_assign = before_assign
        self._payload: Optional[Payload] = None
        self._pending: deque[Task] = deque()
        self._nursery: Optional[NurseryHandle] = None
        self._nurseries_lost = 0
        self._made_workers = 0
        # A worker is in `_workers` from the wish for it until it hangs up, meanwhile
        # in `_starting` and, without a task, in `_idle`, with a single one in `_busy`;
        # then in `_dying`, until the nursery tells its exit status. The nursery may be
        # the first to know.
        self._workers: dict[int, WorkerHandle] = {}
        self._starting: dict[int, WorkerHandle] = {}
        self._idle: deque[WorkerHandle] = deque()
        self._busy: deque[WorkerHandle] = deque()
        self._dying: dict[int, WorkerHandle] = {}
        self._task_s = math.inf
        self._statuses: dict[int, int] = {}
        self._is_closing = False
        self._owner = os.getpid()
        self._selector = selectors.DefaultSelector()
        self._alarm, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._alarm, selectors.EVENT_READ, self._woken)
        self._thread = threading.Thread(
            target=self._run, name=f"seq2data dispatcher of {name}", daemon=True
        )
        self._thread.start()
        _open_pools.add(self)

    # -- Any thread ---------------------------------------------------------------

    def load(self, source: object) -> bool:
        """Makes later tasks see the source as it is now; whether it has changed.

        Raises:
            PayloadError: It cannot be sent.
        """
        before, self._payload = self._payload, pack(source, self._payload)
        return self._payload is not before

    def submit(self, task: Task) -> None:
        """Queues a task; tasks start in the order in which they were submitted."""
        self._pending.append(task)
        # The dispatcher looks at `_pending` after every change of `_idle`, so that a
        # task put there while nobody is idle needs no wake-up of its own.
        if self._idle or len(self._workers) < self._most_workers or self._is_closing:
            self._wake()

    def close(self, wait: bool = True) -> None:
        """Ends the workers and the nursery; tasks that are left end in an error.

        Without `wait` it takes no lock, so that a finalizer may call it anywhere.
        """
        if os.getpid() != self._owner:
            return  # a fork of the parent: the workers are not ours
        self._is_closing = True
        self._wake()
        if wait and self._thread is not threading.current_thread():
            self._thread.join()

    def _wake(self) -> None:
        # Full means that it will wake up anyhow; closed, that it is gone.
        with contextlib.suppress(BlockingIOError, OSError):
            self._bell.send(b"\0")

    # -- The dispatcher's thread --------------------------------------------------

    def _run(self) -> None:
        error = WorkerCrashError(f"the workers of `{self._name}` were stopped")
        try:
            while not self._is_closing:
                self._step()
        except BaseException as bug:
            error = WorkerCrashError(f"seq2data's dispatcher failed: {bug!r}")
            raise
        finally:
            self._tear_down(error)

    def _step(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.fd not in self._selector.get_map():
                continue  # closed by what came before it
            try:
                key.data()
            except EOFError:
                self._hung_up(key.fileobj)
        self._check_deadlines()
        self._assign()

    def _woken(self) -> None:
        self._alarm.recv(4096)

    def _patience(self) -> Optional[float]:
        if not any(worker.tasks for worker in self._workers.values()):
            return None
        # Nobody tells us that a pass was given up, so look now and then.
        nearest = min(map(self._deadline, self._workers.values()))
        return max(0.0, min(_UNWANTED_S, nearest - time.monotonic()))

    def _deadline(self, worker: WorkerHandle) -> float:
        """When to take the worker away from what it is at."""
        waiting = self._pending or len(worker.tasks) > 1
        if waiting and worker.tasks and not worker.tasks[0].is_wanted():
            return worker.since + min(self._timeout, _UNWANTED_S)
        return worker.since + self._timeout

    # Handing out

    def _assign(self) -> None:
        if self._pending:
            self._before_assign()
        while self._pending and self._idle:
            task = self._pending.popleft()
            if task.start():
                self._send(self._idle.popleft(), task)
        self._assign_ahead()
        wanted = min(len(self._pending), self._most_workers - len(self._workers))
        for _ in range(wanted - len(self._starting)):
            if not self._start_worker():
                break

    def _assign_ahead(self) -> None:
        """A second task each for workers whose tasks are short beside the way here."""
        while self._pending and self._busy and self._task_s < _SHORT_TASK_S:
            task = self._pending.popleft()
            if task.start():
                self._send(self._busy.popleft(), task)

    def _send(self, worker: WorkerHandle, task: Task) -> None:
        assert self._payload is not None
        if not worker.tasks:
            worker.since = time.monotonic()
            self._busy.append(worker)
        try:
            worker.ask(task, self._payload)
        except EOFError:
            self._hung_up(worker.channel)

    def _start_worker(self) -> bool:
        assert self._payload is not None
        try:
            nursery = self._running_nursery()
            channel, theirs = pair()
        except OSError as error:
            self._cannot_start(str(error))
            return False
        number = self._made_workers
        self._made_workers += 1
        worker = WorkerHandle(number, channel, nursery, self._free_segments)
        self._starting[number] = self._workers[number] = worker
        with theirs:
            try:
                nursery.request_worker(number, theirs, self._payload)
            except EOFError:
                self._lose_nursery()
                return False
        return True

    def _running_nursery(self) -> NurseryHandle:
        if self._nursery is None:
            self._nursery = NurseryHandle(self._start_method)
            self._selector.register(
                self._nursery.channel, selectors.EVENT_READ, self._from_nursery
            )
        return self._nursery

    # What the nursery says

    def _from_nursery(self) -> None:
        assert self._nursery is not None
        for message, _ in self._nursery.channel.receive_ready():
            if isinstance(message, Forked):
                self._forked(message)
            elif isinstance(message, ForkFailed):
                self._forget(self._starting[message.worker])
                self._cannot_start(message.reason)
            elif isinstance(message, Exited):
                self._exited(message)
            elif isinstance(message, LoadFailed):
                self._nursery.forget_source()
                self._cannot_load(message, self._nursery.pid)
            else:
                assert isinstance(message, Ready)

    def _forked(self, message: Forked) -> None:
        worker = self._starting.pop(message.worker)
        worker.pid = message.pid
        worker.version = message.version
        self._selector.register(
            worker.channel, selectors.EVENT_READ, lambda: self._from_worker(worker)
        )
        self._idle.append(worker)

    def _exited(self, message: Exited) -> None:
        worker = self._dying.pop(message.pid, None)
        if worker is not None:
            self._bury(worker, message.status)
        elif any(w.pid == message.pid for w in self._workers.values()):
            self._statuses[message.pid] = message.status

    def _cannot_start(self, reason: str) -> None:
        if len(self._workers) > len(self._starting):
            return  # fewer workers than wished for, but they do the work
        self._fail_pending(
            WorkerCrashError(f"no worker for `{self._name}` could be started: {reason}")
        )

    def _cannot_load(self, message: LoadFailed, pid: Optional[int]) -> None:
        self._fail_pending(error_of(message.failure, self._name, None, pid))

    def _fail_pending(self, error: Seq2DataError) -> None:
        while self._pending:
            self._pending.popleft().finish(TaskResult(error=error))

    # What workers say

    def _from_worker(self, worker: WorkerHandle) -> None:
        for message, descriptors in worker.channel.receive_ready():
            if isinstance(message, LoadFailed):
                self._pending.extendleft(reversed(worker.give_back()))
                self._cannot_load(message, worker.pid)
                self._forget(worker)
                return  # it is gone, with whatever else it said
            task = worker.tasks.popleft()
            self._nurseries_lost = 0
            self._task_s = message.seconds
            self._answered(worker)
            task.finish(self._result(worker, task, message, descriptors))

    def _answered(self, worker: WorkerHandle) -> None:
        """Gives the worker something to do before anybody looks at what it brought."""
        if worker.tasks:
            worker.since = time.monotonic()
            self._busy.append(worker)
        else:
            worker.since = math.inf
            self._busy.remove(worker)
            self._idle.append(worker)
        self._assign()

    def _result(
        self, worker: WorkerHandle, task: Task, result: Result, descriptors: list[int]
    ) -> TaskResult:
        try:
            return worker.result(result, descriptors, self._name, task.epoch)
        except OSError as error:  # no room in this process for what the worker wrote
            message = f"batch {task.indices[0]} of `{self._name}`: {error}"
            return TaskResult(error=ReadError(message, task.indices[0], task.epoch))

    # Workers go

    def _hung_up(self, channel: Any) -> None:
        if self._nursery is not None and channel is self._nursery.channel:
            self._lose_nursery()
            return
        worker = next(w for w in self._workers.values() if w.channel is channel)
        assert worker.pid is not None
        self._forget(worker)
        if worker.pid in self._statuses:
            self._bury(worker, self._statuses.pop(worker.pid))
        elif worker.nursery is not self._nursery:
            self._bury(worker, None)  # the nursery died with it
        else:
            self._dying[worker.pid] = worker  # until the nursery tells its status

    def _lose_nursery(self) -> None:
        """Its workers die with it; nobody is left to tell their statuses."""
        self._nurseries_lost += 1
        status = self._close_nursery()
        for worker in list(self._starting.values()):
            self._forget(worker)
        dying, self._dying = self._dying, {}
        for worker in dying.values():
            self._bury(worker, None)
        if self._nurseries_lost >= _MOST_NURSERIES:
            self._fail_pending(
                WorkerCrashError(
                    f"the process that starts the workers of `{self._name}` died "
                    f"{self._nurseries_lost} times in a row, at last so: "
                    f"{status_in_words(status)}",
                    status=status,
                )
            )

    def _bury(self, worker: WorkerHandle, status: Optional[int]) -> None:
        """Reads a dead worker's batches again, or gives them up."""
        tasks = worker.give_back()
        if tasks:
            tasks[0].attempts += status is not None
        for task in reversed(tasks):
            if task.is_repeatable and task.attempts < _MOST_ATTEMPTS:
                self._pending.appendleft(task)
            else:
                error = crash_error(self._name, worker.pid, status, task.indices)
                task.finish(TaskResult(error=error))

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        late = [w for w in self._workers.values() if self._deadline(w) <= now]
        for worker in late:
            assert worker.pid is not None
            stuck, *behind = worker.give_back()
            stuck.finish(TaskResult(error=self._timeout_error(worker, stuck)))
            self._pending.extendleft(reversed(behind))
            self._forget(worker)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def _timeout_error(self, worker: WorkerHandle, task: Task) -> BatchTimeoutError:
        index = task.indices[0]
        return BatchTimeoutError(
            f"batch {index} of `{self._name}` (epoch {task.epoch}, worker pid "
            f"{worker.pid}) took longer than `timeout={self._timeout}` seconds",
            index,
            task.epoch,
            worker.pid,
        )

    def _forget(self, worker: WorkerHandle) -> None:
        del self._workers[worker.number]
        self._starting.pop(worker.number, None)
        for workers in (self._idle, self._busy):
            with contextlib.suppress(ValueError):
                workers.remove(worker)
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel)
        worker.channel.close()

    # The end

    def _close_nursery(self) -> Optional[int]:
        nursery, self._nursery = self._nursery, None
        if nursery is None:
            return None
        self._selector.unregister(nursery.channel)
        return nursery.close()

    def _tear_down(self, error: Seq2DataError) -> None:
        left = [*self._workers.values(), *self._dying.values()]
        for worker in list(self._workers.values()):
            self._forget(worker)
        self._close_nursery()
        self._payload = None
        self._selector.close()
        self._alarm.close()
        self._bell.close()
        self._pending.extend(task for worker in left for task in worker.give_back())
        self._fail_pending(error)
        _open_pools.discard(self)


@atexit.register
def _close_all() -> None:
    for pool in list(_open_pools):
        pool.close()
