"""The batches that are being read ahead, and what consumers take from their front.

A window never holds more than `max_queue_size` plus `workers` tasks, read or unread, so
memory is bounded however slow the consumer is. It is topped up when something is taken,
so nothing is read that nobody will ask for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Optional, Union

from seq2data.errors import ReadError, Seq2DataError, SourceError, WorkerCrashError
from seq2data.exception_text import as_cause, summary_of
from seq2data.pipeline.engine import Batches, Engine
from seq2data.pipeline.readers import Reading
from seq2data.pipeline.wait import SLICE_S
from seq2data.plan.epochs import Epoch, Plan
from seq2data.source.indexable import Indexable
from seq2data.source.spec import BatchSpec
from seq2data.workers.task import BatchRun, Task, concatenate


class Token:
    """Says whether somebody still wants the batches of a pass."""

    def __init__(self) -> None:
        self.is_cancelled = False

    def is_valid(self) -> bool:
        """For tasks to ask."""
        return not self.is_cancelled

    def cancel(self) -> None:
        """Takes no lock: it is called by finalizers."""
        self.is_cancelled = True


class Pass:
    """One pass over an indexable source, in order.

    Args:
        reading: How.
        epoch: What.
        remembered: Batches that were read before, by index; used instead of reading.
    """

    def __init__(
        self, reading: Reading, epoch: Epoch, remembered: Mapping[int, BatchRun]
    ) -> None:
        self.token = Token()
        self._reading = reading
        self._patience = reading.task_wait()
        self._epoch = epoch
        self._remembered = dict(remembered)
        self._submitted = 0
        self._delivered = 0
        self._window: deque[Union[Task, BatchRun]] = deque()
        self._runs: deque[BatchRun] = deque()
        self._errors: list[Seq2DataError] = []
        self._failure = ""

    def cancel(self) -> None:
        """Has tasks dropped that no worker has begun; takes no lock."""
        self.token.cancel()

    @property
    def index(self) -> int:
        """The source's index of the batch that comes next."""
        return self._epoch.indices(self._delivered, self._delivered + 1)[0]

    @property
    def num_left(self) -> int:
        """Batches that were not taken yet."""
        return self._epoch.num_batches - self._delivered

    def read_ahead(self) -> int:
        """Has batches read; how many tasks and batches are there or on their way."""
        self._fill()
        return len(self._window) + len(self._runs)

    def take(self, most: int) -> Optional[BatchRun]:
        """The batches that come next and are there, None if none is after SLICE_S.

        Args:
            most: How many at most; they have equal shapes.

        Raises:
            Seq2DataError: The next batch could not be read.
        """
        self._fill()
        while not self._runs:
            if self._errors:
                # Popped and in no variable: its traceback refers to this frame and so
                # to all of the dataset, which must go when the consumer drops it.
                raise self._errors.pop()
            if self._failure:
                raise ReadError(f"this pass has ended in an error: {self._failure}")
            if not self._receive(SLICE_S):
                return None
        taken = self._gather(most)
        self._delivered += sum(run.count for run in taken)
        self._fill()
        return concatenate(taken)

    def _receive(self, wait_s: float) -> bool:
        """Whether the head of the window has come."""
        if not self._window:
            return False
        head = self._window[0]
        if isinstance(head, BatchRun):
            self._runs.append(head)
        else:
            result = self._patience.wait(head, wait_s)
            if result is None:
                return False
            if isinstance(result.error, WorkerCrashError) and len(head.indices) > 1:
                self._read_one_by_one(head)
                return False
            if result.error is not None:
                self._errors.append(result.error)
                self._failure = str(result.error)
            self._runs.extend(result.runs)
            self._reading.chunk_size.observe(result.seconds, len(head.indices))
        self._window.popleft()
        return True

    def _read_one_by_one(self, task: Task) -> None:
        """Has the batches of a task read singly, for one of them kills its workers.

        Those before it are the consumer's, who may never ask for that one.
        """
        self._window.popleft()
        singly = [self._submit((index,)) for index in task.indices]
        self._window.extendleft(reversed(singly))

    def _gather(self, most: int) -> list[BatchRun]:
        taken: list[BatchRun] = []
        left = most
        while left and (self._runs or (not self._failure and self._receive(0))):
            if not self._runs or (taken and not _fits(taken[0], self._runs[0])):
                break
            run = self._runs.popleft()
            if run.count > left:
                run, rest = run.split(left)
                self._runs.appendleft(rest)
            taken.append(run)
            left -= run.count
        return taken

    def _fill(self) -> None:
        most = self._reading.most_tasks
        while len(self._window) < most and self._submitted < self._epoch.num_batches:
            self._window.append(self._next_entry())

    def _next_entry(self) -> Union[Task, BatchRun]:
        start = self._submitted
        count = self._reading.chunk_size.next(self._epoch.num_batches - start)
        indices = self._epoch.indices(start, start + count)
        if self._remembered:
            if indices[0] in self._remembered:
                self._submitted += 1
                return self._remembered.pop(indices[0])
            known = [i for i, index in enumerate(indices) if index in self._remembered]
            indices = indices[: known[0]] if known else indices
        self._submitted += len(indices)
        return self._submit(indices)

    def _submit(self, indices: tuple[int, ...]) -> Task:
        task = Task(
            self._epoch.number, self._reading.entropy, indices, self.token.is_valid
        )
        self._reading.pool.submit(task)
        return task


def _fits(one: BatchRun, other: BatchRun) -> bool:
    return one.structure == other.structure and all(
        a.dtype == b.dtype and a.shape[1:] == b.shape[1:]
        for a, b in zip(one.arrays, other.arrays)
    )


class Passes:
    """Begins and ends the passes over an indexable source, one thread at a time.

    Args:
        source: The source; its hooks are called here.
        plan: Counts and orders the passes.
    """

    def __init__(self, source: Indexable, plan: Plan) -> None:
        self._source = source
        self._plan = plan
        self._is_prepared = False
        self._remembered: dict[int, BatchRun] = {}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Gets the source ready for the first pass, whose first batches are read early.

        Raises:
            ReadError: Its hook raised.
        """
        self._call_hook("on_epoch_begin")
        self._is_prepared = True

    def remember(self, batches: dict[int, BatchRun]) -> None:
        """Gives the first pass batches that were read for it already, by index."""
        self._remembered = batches

    def num_batches(self) -> int:
        """How many batches a pass has that begins now."""
        return self._source.num_batches()

    def begin(self, reading: Reading, expected: Optional[int]) -> Pass:
        """A new pass over the source as it is now.

        Args:
            reading: How it is read.
            expected: How many batches the dataset has.

        Raises:
            SourceError: Its length is not the dataset's.
            ReadError: Its hook raised.
        """
        with self._lock:
            if not self._is_prepared:
                self._call_hook("on_epoch_begin")
            self._is_prepared = False
            num_batches = self._source.num_batches()
            if num_batches != expected:
                raise SourceError(
                    f"`{self._source.name}` had {expected} batches when the dataset "
                    f"was made and has {num_batches} now; a dataset derived from it "
                    "cannot change its length: iterate over the dataset itself, or "
                    "call `to_dataset` again for this pass"
                )
            remembered, self._remembered = self._remembered, {}
            if reading.pool.load(self._source):
                remembered = {}  # they were read from another state of the source
            return Pass(reading, self._plan.begin(num_batches), remembered)

    def end(self) -> None:
        """Tells the source that a pass is complete.

        Raises:
            ReadError: Its hook raised.
        """
        with self._lock:
            self._call_hook("on_epoch_end")

    def _call_hook(self, name: str) -> None:
        try:
            getattr(self._source, name)()
        except Exception as error:  # noqa: BLE001  # it is not always its cause
            raise ReadError(
                f"`{self._source.name}.{name}` raised {summary_of(error)}"
            ) from as_cause(error)


class IndexableEngine(Engine[Pass]):
    """Reads an indexable source by index, anew in every pass."""

    def __init__(
        self, reading: Reading, spec: BatchSpec, most_per_pull: int, passes: Passes
    ) -> None:
        super().__init__(reading, spec, most_per_pull)
        self.passes = passes

    def _begin(self, num_batches: Optional[int]) -> Pass:
        return self.passes.begin(self._reading, num_batches)

    def _next(self, position: Pass) -> Optional[Batches]:
        index = position.index
        # The last batch goes alone: a consumer that asks for it completes the pass.
        before_last = position.num_left - 1
        run = position.take(max(1, min(before_last, self.most_per_pull)))
        if run is None:
            return None
        batches = self._hand_over(run, index)
        if position.num_left == 0:
            self.passes.end()
        return batches
