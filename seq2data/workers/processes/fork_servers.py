"""Who makes a pool's workers: the fork server, or a worker that has made the first read.

fork server: has the source ------------fork--> workers
            |
          fork, if the first read changes the source
            v
         a worker reads, becomes a fork server --fork--> workers that start from there
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from typing import Callable, Optional, Union

from seq2data.workers.payload.payload import Payload
from seq2data.workers.processes.fork_server_handle import (
    ForkServerHandle,
    PromotedWorkerHandle,
)
from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.task import Task
from seq2data.workers.wire.messages import Effect

AnyForkServer = Union[ForkServerHandle, PromotedWorkerHandle]


class ForkServers:
    """The fork servers of a pool; used by the dispatcher's thread.

    Args:
        start_method: `"fork"` or `"exec"`.
        selector: Has their channels.
        receive: Called with a fork server that has something to say.
        on_death: Called with a fork server that has died.
    """

    def __init__(
        self,
        start_method: str,
        selector: selectors.BaseSelector,
        receive: Callable[[AnyForkServer], object],
        on_death: Callable[[AnyForkServer], object],
    ) -> None:
        self._start_method = start_method
        self._selector = selector
        self._receive = receive
        self._on_death = on_death
        self._loading: Optional[ForkServerHandle] = None
        self._reading: Optional[PromotedWorkerHandle] = None

    def __iter__(self) -> Iterator[AnyForkServer]:
        return iter([n for n in (self._reading, self._loading) if n is not None])

    @property
    def current(self) -> Optional[AnyForkServer]:
        """Who makes the next worker, None if nobody is there yet."""
        return next(iter(self), None)

    def running(self) -> AnyForkServer:
        """Who makes the next worker.

        Raises:
            OSError: The machine refuses a process or a socket.
        """
        if self.current is None:
            self._loading = ForkServerHandle(self._start_method)
            self._watch(self._loading)
        return next(iter(self))

    def promote(self, worker: WorkerHandle) -> None:
        """Has further workers made by one that has read, and reads no more."""
        self._reading = PromotedWorkerHandle(worker)
        self._watch(self._reading)

    def is_outdated(self, payload: Payload) -> bool:
        """Whether the worker that makes workers has another version of the source."""
        return self._reading is not None and self._reading.version != payload.version

    def close_forked(self) -> None:
        """Ends the worker that makes workers, if there is one, and with it its own."""
        if self._reading is not None:
            self.close(self._reading)

    def close(self, fork_server: AnyForkServer) -> Optional[int]:
        """Ends one and its workers; its exit status, None for a worker's."""
        if fork_server is self._reading:
            self._reading = None
        else:
            self._loading = None
        self._selector.unregister(fork_server.channel)
        if fork_server.sentinel is not None:
            self._selector.unregister(fork_server.sentinel)
        return fork_server.close()

    def _watch(self, fork_server: AnyForkServer) -> None:
        self._selector.register(
            fork_server.channel,
            selectors.EVENT_READ,
            lambda: self._receive(fork_server),
        )
        if fork_server.sentinel is not None:
            self._selector.register(
                fork_server.sentinel,
                selectors.EVENT_READ,
                lambda: self._on_death(fork_server),
            )


class FirstReads:
    """What the first read does to a source, and what the workers have to do for it.

    Nothing, if it leaves the source as it was. If not, the worker that made it makes
    the others; or, where that one cannot be forked, each of them makes it for itself.
    In both cases anew for each version of the source.
    """

    def __init__(self) -> None:
        self._effect: Optional[Effect] = None
        self._version = -1
        self._epoch = 0
        self.is_awaited = False
        """Whether nobody may read before the first read of this version is made."""

    def prepare(self, worker: WorkerHandle, task: Task, version: int) -> Optional[int]:
        """The epoch as in which the worker has to read the first batch before a task.

        It is the one in which this version was read first, so that all first reads draw
        the same; None where none is needed.
        """
        if version != self._version:
            self._version, self._epoch = version, task.epoch
        is_first = worker.first_read != version
        if task.is_repeatable:  # and is no generator's
            worker.first_read = version
        is_needed = self.is_awaited or (
            self._effect is not None
            and self._effect.changes_source
            and not self._effect.can_fork
        )
        is_another = (task.epoch, task.indices[0]) != (self._epoch, 0)
        if is_first and is_needed and task.is_repeatable and is_another:
            return self._epoch
        return None

    def wants_effect(self, task: Task) -> bool:
        """Whether nobody knows yet what the first read does."""
        return self._effect is None and task.is_repeatable

    def learn(self, effect: Effect, *, can_promote: bool) -> bool:
        """Takes in what a read has done; whether its worker is to make the others."""
        if self._effect is not None:
            return False  # two began at once, and the other was faster
        changes_source = effect.changes_source or self.is_awaited
        self._effect = Effect(changes_source, effect.can_fork and can_promote)
        self.is_awaited = False
        return self._effect.changes_source and self._effect.can_fork

    def begin_again(self) -> None:
        """The workers that start from a first read are gone, and so is what it left."""
        self._effect = None
        self.is_awaited = True
