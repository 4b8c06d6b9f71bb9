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
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from typing import Any, Callable, Optional

from seq2data.errors import BatchTimeoutError, Seq2DataError, WorkerCrashError
from seq2data.workers.channel import Channel, pair
from seq2data.workers.crash import crash_error, error_of
from seq2data.workers.environment import worker_environment
from seq2data.workers.messages import (
    Exited,
    Fork,
    Forked,
    ForkFailed,
    LoadFailed,
    Read,
    Ready,
    Result,
    Start,
)
from seq2data.workers.nursery import interpreter_command
from seq2data.workers.payload import Payload, pack
from seq2data.workers.task import BatchRun, Task, TaskResult
from seq2data.workers.transport.layout import read_run
from seq2data.workers.transport.segments import Segment

# A batch that kills four workers in a row kills the fifth, too.
_MOST_ATTEMPTS = 4
# Nurseries that die one after the other without a single answer in between.
_MOST_NURSERIES = 5
# The nursery kills its workers and goes; longer means that it hangs in user code.
_EXIT_S = 2.0

_open_pools: weakref.WeakSet[ProcessPool] = weakref.WeakSet()


class _Worker:
    """What the dispatcher knows of one worker."""

    def __init__(self, number: int, channel: Channel, control: Channel) -> None:
        self.number = number
        self.channel = channel
        self.control = control
        self.pid: Optional[int] = None
        self.version = -1
        self.task: Optional[Task] = None
        self.deadline = float("inf")
        self.segments: dict[int, Segment] = {}
        self.free: deque[Segment] = deque()
        self.lent: Optional[Segment] = None
        self.dropped: set[int] = set()
        self.has_hung_up = False


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
        self._timeout = timeout
        self._before_assign = before_assign
        self._payload: Optional[Payload] = None
        self._pending: deque[Task] = deque()
        self._workers: dict[int, _Worker] = {}
        self._starting: dict[int, _Worker] = {}
        self._idle: deque[_Worker] = deque()
        self._made_workers = 0
        self._dying: dict[int, _Worker] = {}
        self._statuses: dict[int, int] = {}
        self._nursery: Optional[subprocess.Popen[bytes]] = None
        self._control: Optional[Channel] = None
        self._nursery_version = -1
        self._nurseries_lost = 0
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
        error: Seq2DataError = WorkerCrashError(
            f"the workers of `{self._name}` were stopped"
        )
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
            try:
                key.data()
            except EOFError:
                self._hung_up(key.fileobj)
        self._check_deadlines()
        self._assign()

    def _woken(self) -> None:
        self._alarm.recv(4096)

    def _patience(self) -> Optional[float]:
        if self._timeout is None:
            return None
        nearest = min(
            (w.deadline for w in self._workers.values()), default=float("inf")
        )
        return None if nearest == float("inf") else max(0.0, nearest - time.monotonic())

    # Handing out

    def _assign(self) -> None:
        if self._pending:
            self._before_assign()
        while self._pending and self._idle:
            task = self._pending.popleft()
            if task.start():
                self._send(self._idle.popleft(), task)
        wanted = min(len(self._pending), self._most_workers - len(self._workers))
        for _ in range(wanted - len(self._starting)):
            if not self._start_worker():
                break

    def _send(self, worker: _Worker, task: Task) -> None:
        worker.task = task
        if self._timeout is not None:
            worker.deadline = time.monotonic() + self._timeout
        try:
            self._send_source(worker)
            worker.channel.send(self._read_message(worker, task))
        except EOFError:
            self._hung_up(worker.channel)

    def _send_source(self, worker: _Worker) -> None:
        payload = self._payload
        assert payload is not None
        if worker.version != payload.version:
            worker.channel.send(payload.load, payload.descriptors())
            worker.version = payload.version

    def _read_message(self, worker: _Worker, task: Task) -> Read:
        worker.lent = worker.free.pop() if worker.free else None
        while len(worker.free) > self._free_segments:
            worker.dropped.add(worker.free.popleft().number)
        message = Read(
            task.epoch,
            task.entropy,
            task.indices,
            None if worker.lent is None else worker.lent.number,
            tuple(worker.dropped),
        )
        for number in worker.dropped:
            del worker.segments[number]
        worker.dropped.clear()
        return message

    # Workers come

    def _start_worker(self) -> bool:
        try:
            control = self._ready_nursery()
            channel, theirs = pair()
        except OSError as error:
            self._cannot_start(str(error))
            return False
        worker = _Worker(self._made_workers, channel, control)
        self._made_workers += 1
        self._starting[worker.number] = worker
        self._workers[worker.number] = worker
        with theirs:
            try:
                control.send(Fork(worker.number), [theirs.fileno()])
            except EOFError:
                self._hung_up(control)
                return False
        return True

    def _ready_nursery(self) -> Channel:
        if self._control is None:
            self._control = self._start_nursery()
        payload = self._payload
        assert payload is not None
        if self._nursery_version != payload.version:
            self._control.send(payload.load, payload.descriptors())
            self._nursery_version = payload.version
        return self._control

    def _start_nursery(self) -> Channel:
        control, theirs = pair()
        try:
            with theirs:
                # From this thread: the nursery is killed when the thread ends.
                self._nursery = subprocess.Popen(
                    interpreter_command("run_nursery", theirs.fileno()),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env=worker_environment(os.environ),
                )
        except OSError:
            control.close()
            raise
        self._nursery_version = -1
        self._selector.register(
            control, selectors.EVENT_READ, lambda: self._from_nursery(control)
        )
        control.send(Start(tuple(sys.path), self._start_method))
        return control

    def _from_nursery(self, control: Channel) -> None:
        for message, _ in control.receive_ready():
            if isinstance(message, Forked):
                self._forked(message)
            elif isinstance(message, ForkFailed):
                self._drop(self._starting[message.worker])
                self._cannot_start(message.reason)
            elif isinstance(message, Exited):
                self._exited(message)
            elif isinstance(message, LoadFailed):
                self._cannot_load(message)
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

    def _cannot_start(self, reason: str) -> None:
        if len(self._workers) > len(self._starting):
            return  # fewer workers than wished for, but they do the work
        self._fail_pending(
            WorkerCrashError(f"no worker for `{self._name}` could be started: {reason}")
        )

    def _cannot_load(self, message: LoadFailed) -> None:
        pid = None if self._nursery is None else self._nursery.pid
        self._fail_pending(error_of(message.failure, self._name, None, pid))
        self._nursery_version = -1

    def _fail_pending(self, error: Seq2DataError) -> None:
        while self._pending:
            self._pending.popleft().finish(TaskResult(error=error))

    # Answers come

    def _from_worker(self, worker: _Worker) -> None:
        for message, descriptors in worker.channel.receive_ready():
            if isinstance(message, LoadFailed):
                self._worker_cannot_load(worker, message)
                return  # it is gone, with whatever else it said
            else:
                self._answered(worker, message, descriptors)

    def _answered(
        self, worker: _Worker, result: Result, descriptors: list[int]
    ) -> None:
        task, worker.task = worker.task, None
        assert task is not None
        worker.deadline = float("inf")
        self._nurseries_lost = 0
        for (number, nbytes), descriptor in zip(result.segments, descriptors):
            worker.segments[number] = Segment(number, nbytes, descriptor)
        self._idle.append(worker)
        task.finish(self._task_result(worker, task, result))

    def _task_result(self, worker: _Worker, task: Task, result: Result) -> TaskResult:
        used = {run.segment for run in result.runs if run.segment is not None}
        if worker.lent is not None and worker.lent.number not in used:
            worker.dropped.add(worker.lent.number)  # the batches have outgrown it
        leases = {
            number: worker.segments[number].lease(worker.free.append) for number in used
        }
        unused = {number for number, _ in result.segments} - used
        worker.free.extend(worker.segments[number] for number in unused)
        runs = tuple(
            BatchRun(
                run.count,
                run.structure,
                read_run(run, None if run.segment is None else leases[run.segment]),
            )
            for run in result.runs
        )
        error = None
        if result.failure is not None:
            error = error_of(result.failure, self._name, task.epoch, worker.pid)
        return TaskResult(runs, result.seconds, error, result.is_exhausted)

    def _worker_cannot_load(self, worker: _Worker, message: LoadFailed) -> None:
        task, worker.task = worker.task, None
        error = error_of(message.failure, self._name, None, worker.pid)
        if task is not None:
            task.finish(TaskResult(error=error))
        self._fail_pending(error)
        self._drop(worker)

    # Workers go

    def _hung_up(self, channel: Any) -> None:
        if channel is self._control:
            self._lose_nursery()
            return
        worker = next(w for w in self._workers.values() if w.channel is channel)
        if worker.has_hung_up:
            return
        worker.has_hung_up = True
        assert worker.pid is not None
        self._forget(worker)
        if worker.pid in self._statuses:
            self._bury(worker, self._statuses.pop(worker.pid))
        elif worker.control is not self._control:
            self._bury(worker, None)  # the nursery died with it
        else:
            self._dying[worker.pid] = worker  # until the nursery tells its status

    def _exited(self, message: Exited) -> None:
        worker = self._dying.pop(message.pid, None)
        if worker is not None:
            self._bury(worker, message.status)
        elif any(w.pid == message.pid for w in self._workers.values()):
            self._statuses[message.pid] = message.status

    def _lose_nursery(self) -> None:
        """Its workers die with it; nobody is left to tell their statuses."""
        self._nurseries_lost += 1
        self._close_nursery()
        for worker in list(self._starting.values()):
            self._drop(worker)
        dying, self._dying = self._dying, {}
        for worker in dying.values():
            self._bury(worker, None)
        if self._nurseries_lost >= _MOST_NURSERIES:
            self._fail_pending(
                WorkerCrashError(
                    f"the process that starts the workers of `{self._name}` died "
                    f"{self._nurseries_lost} times in a row"
                )
            )

    def _bury(self, worker: _Worker, status: Optional[int]) -> None:
        """Reads a dead worker's batches again, or gives them up."""
        task, worker.task = worker.task, None
        if task is None:
            return
        task.attempts += status is not None
        if not task.is_repeatable or task.attempts >= _MOST_ATTEMPTS:
            error = crash_error(self._name, worker.pid, status, task.indices)
            task.finish(TaskResult(error=error))
        else:
            self._pending.appendleft(task)

    def _check_deadlines(self) -> None:
        if self._timeout is None:
            return
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if worker.deadline <= now:
                self._time_out(worker)

    def _time_out(self, worker: _Worker) -> None:
        task, worker.task = worker.task, None
        assert task is not None
        assert worker.pid is not None
        task.finish(TaskResult(error=self._timeout_error(worker, task)))
        self._drop(worker)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)

    def _timeout_error(self, worker: _Worker, task: Task) -> BatchTimeoutError:
        index = task.indices[0]
        return BatchTimeoutError(
            f"batch {index} of `{self._name}` (epoch {task.epoch}, worker pid "
            f"{worker.pid}) took longer than `timeout={self._timeout}` seconds",
            index,
            task.epoch,
            worker.pid,
        )

    def _drop(self, worker: _Worker) -> None:
        self._starting.pop(worker.number, None)
        self._forget(worker)

    def _forget(self, worker: _Worker) -> None:
        del self._workers[worker.number]
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel)
        worker.channel.close()

    # The end

    def _close_nursery(self) -> None:
        if self._control is None or self._nursery is None:
            return
        self._selector.unregister(self._control)
        self._control.close()
        self._control = None
        try:
            self._nursery.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._nursery.kill()
            self._nursery.wait()
        self._nursery = None

    def _tear_down(self, error: Seq2DataError) -> None:
        running = [worker.task for worker in self._workers.values()]
        running += [worker.task for worker in self._dying.values()]
        for worker in list(self._workers.values()):
            self._drop(worker)
        self._close_nursery()
        self._payload = None
        self._selector.close()
        self._alarm.close()
        self._bell.close()
        for task in running:
            if task is not None:
                task.finish(TaskResult(error=error))
        self._fail_pending(error)
        _open_pools.discard(self)


@atexit.register
def _close_all() -> None:
    for pool in list(_open_pools):
        pool.close()
