"""What the training process knows of one worker, and sends to it."""

from __future__ import annotations

import math
from collections import deque
from typing import Optional

from seq2data.errors import ReadError
from seq2data.workers.failures import error_of
from seq2data.workers.payload.payload import Payload
from seq2data.workers.task import Task, TaskResult
from seq2data.workers.transport.protocol import Transport
from seq2data.workers.transport.runs import Loan
from seq2data.workers.wire.channel import Channel
from seq2data.workers.wire.messages import Begin, Read, Result
from seq2data.workers.wire.recall import RecallPipe


class WorkerHandle:
    """One worker, from the request for it until its end is known.

    Used by the dispatcher's thread; other threads may look at `pid`, `stacks`, `since`
    and `tasks`. Owns the worker's socket and its recall pipe.

    Args:
        number: Names it while it has no pid.
        channel: The connection to it.
        recalls: Recalls tasks from it.
        fork_server: The process that makes it, and sends how it has ended.
        transport: How its batches come here.
        most_free: How many segments it keeps for further batches.

    Attributes:
        pid: Its process id, None until it runs.
        sentinel: Readable when it has ended; None where there are no sentinels.
        fault: What it has sent about the exception that ended it.
        version: The version of the source that it has, -1 if none.
        first_read: The last version of which it was asked for a batch, -1 if none.
        stacks: Its descriptor for `python_stacks`.
        tasks: What it was asked for and has not answered; it reads the first of them.
        sent: For each of the tasks its number, if it may be recalled, and its loan.
        since: When it began the first of them, on `time.monotonic`; or when it died.
    """

    def __init__(
        self,
        number: int,
        channel: Channel,
        recalls: RecallPipe,
        fork_server: object,
        transport: Transport,
        *,
        most_free: int,
    ) -> None:
        self.number = number
        self.channel = channel
        self.recalls = recalls
        self.fork_server = fork_server
        self.pid: Optional[int] = None
        self.sentinel: Optional[int] = None
        self.fault: Optional[str] = None
        self.version = -1
        self.first_read = -1
        self.stacks = -1
        self.tasks: deque[Task] = deque()
        self.since = math.inf
        self.sent: deque[tuple[Optional[int], Loan]] = deque()
        self._writer = transport.writer
        self._memory = transport.reader(most_free)
        self._has_begun = False

    def ask(
        self,
        task: Task,
        payload: Payload,
        first: Optional[int],
        wants_effect: bool,
    ) -> None:
        """Sends a task, and before it the source if the worker has another version.

        Args:
            task: The batches to read.
            payload: The source.
            first: See `Read`.
            wants_effect: See `Read`.

        Raises:
            EOFError: The worker is dead; the task is among its tasks all the same.
        """
        is_loaded = self.version == payload.version
        # What is sent with such a task is for this worker, so it cannot be recalled.
        is_bound = first is not None or wants_effect or not is_loaded
        number = self.recalls.offer() if self.tasks and not is_bound else None
        loan = self._memory.lend()
        self.tasks.append(task)
        self.sent.append((number, loan))
        if not self._has_begun:
            self._has_begun = True
            self.channel.send(Begin(self._writer))
        if not is_loaded:
            self.channel.send(payload.load, payload.descriptors())
            self.version = payload.version
        segment, dropped = loan
        self.channel.send(
            Read(
                *(task.epoch, task.entropy, task.indices, segment, dropped),
                *(first, wants_effect, number),
            )
        )

    def recall(self) -> list[Task]:
        """Removes and returns the tasks that the worker has not begun."""
        recalled = []
        for number in self.recalls.recall():
            place = [sent for sent, _ in self.sent].index(number)
            recalled.append(self.tasks[place])
            self._memory.end_loan(self.sent[place][1])
            del self.tasks[place], self.sent[place]
        return recalled

    def remove_tasks(self) -> list[Task]:
        """Removes and returns the tasks that it has not answered."""
        tasks = list(self.tasks)
        self.tasks.clear()
        self.sent.clear()
        self.since = math.inf
        return tasks

    def result(
        self,
        result: Result,
        descriptors: list[int],
        name: str,
        finished: tuple[Task, Loan],
    ) -> TaskResult:
        """Returns the result of a task, whose batches look into shared memory.

        Args:
            result: The worker's answer.
            descriptors: Those of the answer.
            name: The source's, for messages.
            finished: The task, and its loan.
        """
        task, loan = finished
        error = None
        if result.failure is not None:
            error = error_of(result.failure, name, task.epoch, self.pid)
        try:
            runs = self._memory.read(result.runs, result.segments, descriptors, loan)
        except OSError as no_room:  # in this process, for what the worker wrote
            message = f"batch {task.indices[0]} of `{name}`: {no_room}"
            return TaskResult(error=ReadError(message, task.indices[0], task.epoch))
        return TaskResult(runs, result.seconds, error, result.is_exhausted)
