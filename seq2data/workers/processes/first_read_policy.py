"""What the first read of a source changes, and what workers do about it.

Some sources change when they are read first: a class draws its order, opens its file or
fills a cache at the first `__getitem__`. Plain indexing reads batch 0 first, and then
all others from what this has left. Workers must give the same, in whatever order.

1. The first task that a worker gets asks for the effect (`Read.wants_effect`). Around
   the read of batch 0 the worker compares the source: `child/first_read.py`. The answer
   holds an `Effect`.
2. Where nothing has changed, nothing more is done.
3. Where the source has changed, and the worker could be forked, the worker is promoted:
   it reads no more, and forks all others, which start from its source
   (`PromotedWorkerHandle`). Its own fork server makes no further workers.
4. Where it could not be forked (it has threads, or has opened a file that two processes
   could not share), every worker reads batch 0 for itself before its first task, as in
   the epoch in which it was read first (`Read.first`), so that all draw the same.
5. A new version of the source (`Pool.load`) makes the first read of the old one void:
   the promoted worker and its workers end, and until a first read is made
   (`is_awaited`) only one worker reads.

Threads share the source itself; `threads/first_task.py` has their rule. Items of a
generator are no function of an index, so none of this holds for them.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from seq2data.workers.processes.worker_handle import WorkerHandle
from seq2data.workers.task import Task
from seq2data.workers.wire.messages import Effect


class FirstRead(NamedTuple):
    """What a worker has to do about the first read, together with a task.

    Attributes:
        epoch: The epoch as in which it has to read batch 0 before the task: the one in
            which this version was read first. None if it has not to.
        wants_effect: True if it is not known yet what the first read does.
    """

    epoch: Optional[int] = None
    wants_effect: bool = False


NO_FIRST_READ = FirstRead()


class FirstReads:
    """Decides which worker makes a first read; used by the dispatcher's thread.

    Attributes:
        is_awaited: True if only one worker may read, because the first read of this
            version is still to be made.
    """

    def __init__(self) -> None:
        self._effect: Optional[Effect] = None
        self._version = -1
        self._epoch = 0
        self.is_awaited = False

    def begin_task(self, worker: WorkerHandle, task: Task, version: int) -> FirstRead:
        """Notes that a worker gets a task, and returns what it has to do for it."""
        if version != self._version:
            self._version, self._epoch = version, task.epoch
        if not task.is_repeatable:  # a generator's
            return NO_FIRST_READ
        wants_effect = self._effect is None
        is_first = worker.first_read != version
        worker.first_read = version
        is_batch_0 = (task.epoch, task.indices[0]) == (self._epoch, 0)
        if not is_first or is_batch_0 or not self._is_needed:
            return FirstRead(None, True) if wants_effect else NO_FIRST_READ
        return FirstRead(self._epoch, wants_effect)

    @property
    def _is_needed(self) -> bool:
        """True if each worker has to make the first read for itself."""
        effect = self._effect
        return self.is_awaited or (
            effect is not None and effect.changes_source and not effect.can_fork
        )

    def keep(self, effect: Effect, *, can_promote: bool) -> bool:
        """Keeps what a first read has done, unless another worker was faster.

        Returns:
            True if the worker is to be promoted.
        """
        if self._effect is not None:
            return False
        changes_source = effect.changes_source or self.is_awaited
        self._effect = Effect(changes_source, effect.can_fork and can_promote)
        self.is_awaited = False
        return self._effect.changes_source and self._effect.can_fork

    def start_over(self) -> None:
        """Forgets the first read: the workers that start from it have ended."""
        self._effect = None
        self.is_awaited = True
