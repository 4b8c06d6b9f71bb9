"""What the dispatcher knows of one worker, and says to it."""

from __future__ import annotations

import math
from collections import deque
from typing import Optional

from seq2data.errors import ReadError
from seq2data.workers.failures import error_of
from seq2data.workers.payload.payload import Payload
from seq2data.workers.task import BatchRun, Task, TaskResult
from seq2data.workers.transport.layout import read_run
from seq2data.workers.transport.segments import Segment
from seq2data.workers.wire.channel import Channel
from seq2data.workers.wire.messages import Read, Result
from seq2data.workers.wire.recall import RecallPipe


class WorkerHandle:
    """One worker, from the wish for it to its burial. Owns its socket and segments.

    Args:
        number: Names it while it has no pid.
        channel: To it.
        claims: On the tasks that wait for it. Belongs to this, too.
        fork server: Who makes it, and tells how it ends.
        most_free: How many segments it keeps warm for further batches.
    """

    def __init__(
        self,
        number: int,
        channel: Channel,
        claims: RecallPipe,
        fork_server: object,
        most_free: int,
    ) -> None:
        self.number = number
        self.channel = channel
        self.claims = claims
        self.fork_server = fork_server
        self.pid: Optional[int] = None
        self.sentinel: Optional[int] = None
        """Tells of its death; None where there is no such thing."""
        self.fault: Optional[str] = None
        """What it said of the exception that ended it, if it did."""
        self.version = -1
        self.first_read = -1
        """The version of which it was asked for a batch."""
        self.stacks = -1
        """Its descriptor for `python_stacks`."""
        self.tasks: deque[Task] = deque()
        """What it was asked for and has not answered; it is at the first."""
        self.since = math.inf
        """When it began the first of them."""
        self._most_free = most_free
        self._segments: dict[int, Segment] = {}
        self._free: deque[Segment] = deque()
        self._lent: deque[Optional[Segment]] = deque()
        self._dropped: list[int] = []
        self._waiting: dict[int, Task] = {}

    def ask(
        self,
        task: Task,
        payload: Payload,
        first: Optional[int] = None,
        wants_effect: bool = False,
    ) -> None:
        """Sends a task, and before it the source if the worker has another version.

        Args:
            task: Batches to read.
            payload: The source.
            first: The epoch as in which batch 0 is to be read before, for what that
                does to the source.
            wants_effect: Whether the answer is to tell what the first read did.

        Raises:
            EOFError: The worker is dead; the task is its all the same.
        """
        # What comes with such a task is for this worker, so the task is, too.
        is_bound = first is not None or wants_effect or self.version != payload.version
        claim = None
        if self.tasks and not is_bound:
            claim = self.claims.offer()
            self._waiting[claim] = task
        self.tasks.append(task)
        if self.version != payload.version:
            self.channel.send(payload.load, payload.descriptors())
            self.version = payload.version
        lent = self._free.pop() if self._free else None
        self._lent.append(lent)
        while len(self._free) > self._most_free:
            self._drop(self._free.popleft())
        segment = None if lent is None else lent.number
        dropped, self._dropped = tuple(self._dropped), []
        self.channel.send(
            Read(
                *(task.epoch, task.entropy, task.indices, segment, dropped),
                *(first, wants_effect, claim),
            )
        )

    def take_back(self) -> list[Task]:
        """The tasks that it has not begun, which are its no more."""
        taken = [self._waiting.pop(claim) for claim in self.claims.take_back()]
        for task in taken:
            # From the end: what is lent for the first may not be settled yet.
            place = self.tasks.index(task) - len(self.tasks)
            lent = self._lent[place]
            if lent is not None:
                self._free.append(lent)
            del self.tasks[place], self._lent[place]
        return taken

    def finish(self) -> Task:
        """The task that it has answered, which is its no more."""
        task = self.tasks.popleft()
        self._waiting = {
            claim: other for claim, other in self._waiting.items() if other is not task
        }
        return task

    def give_back(self) -> list[Task]:
        """The tasks that it has not answered, which are its no more."""
        tasks = list(self.tasks)
        self.tasks.clear()
        self._waiting.clear()
        self.since = math.inf
        return tasks

    def result(
        self, result: Result, descriptors: list[int], name: str, task: Task
    ) -> TaskResult:
        """What became of a task of the source called `name`."""
        error = None
        if result.failure is not None:
            error = error_of(result.failure, name, task.epoch, self.pid)
        try:
            runs = self._map(result, descriptors)
        except OSError as no_room:  # in this process for what the worker wrote
            message = f"batch {task.indices[0]} of `{name}`: {no_room}"
            return TaskResult(error=ReadError(message, task.indices[0], task.epoch))
        return TaskResult(runs, result.seconds, error, result.is_exhausted)

    def _map(self, result: Result, descriptors: list[int]) -> tuple[BatchRun, ...]:
        """What the worker wrote; its memory is free again when nobody sees it."""
        for (number, nbytes), descriptor in zip(result.segments, descriptors):
            self._segments[number] = Segment(number, nbytes, descriptor)
        used = {run.segment for run in result.runs if run.segment is not None}
        lent = self._lent.popleft()
        if lent is not None and lent.number not in used:
            self._drop(lent)  # the batches have outgrown it
        unused = {number for number, _ in result.segments} - used
        self._free.extend(self._segments[number] for number in unused)
        memory = {
            number: self._segments[number].lease(self._free.append) for number in used
        }
        return tuple(
            BatchRun(
                run.num_batches,
                run.structure,
                read_run(run, None if run.segment is None else memory[run.segment]),
            )
            for run in result.runs
        )

    def _drop(self, segment: Segment) -> None:
        del self._segments[segment.number]
        self._dropped.append(segment.number)
