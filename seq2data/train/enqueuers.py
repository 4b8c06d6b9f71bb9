"""Keras 2's `OrderedEnqueuer` and `GeneratorEnqueuer`, on the workers of seq2data.

    start()  opens the workers
    get()    a generator that takes one batch after the other; several share the batches
    queue    says how many are read ahead
    stop()   ends the workers, whatever they are at, and with them every `get()`

What comes out is what the source returned, of any type: with threads the very object,
with processes an equal one.
"""

from __future__ import annotations

import random
import threading
import warnings
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Optional, Union

from seq2data.errors import SourceError
from seq2data.options import Options
from seq2data.pipeline.cancellation import CancellationToken
from seq2data.pipeline.epoch_boundary import EpochBoundary
from seq2data.pipeline.generator_feed import Ended, Feed, NextItem
from seq2data.pipeline.readers import Reading, open_reading
from seq2data.pipeline.sequence_epoch import SequenceEpoch
from seq2data.plan.epochs import Plan
from seq2data.plan.permutation import MOST_IN_MEMORY, LazyPermutation
from seq2data.source.adapt import adapt
from seq2data.source.generator import is_iterator
from seq2data.source.indexable import Indexable
from seq2data.source.objects import KeptItems, KeptObjects, PickledObjects
from seq2data.train.batch_queue import BatchQueue
from seq2data.train.call import raise_what_it_was
from seq2data.train.feeding import shuffled
from seq2data.workers.task import BatchRun

Objects = Union[KeptItems, KeptObjects, PickledObjects]


class SequenceEnqueuer(ABC):
    """What both enqueuers have in common.

    Args:
        sequence: What is read.
        use_multiprocessing: True for processes, False for threads.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.workers = 0
        self.queue: Optional[BatchQueue] = None
        self._reading: Optional[Reading] = None
        self._lock = threading.Lock()

    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._reading is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Opens the workers; one that runs begins anew.

        Args:
            workers: How many batches are read at once.
            max_queue_size: How many are read ahead, beside those that workers are at.

        Raises:
            SourceError: The source is empty or of a kind that cannot be read.
            PayloadError: The source cannot be sent to processes.
        """
        self.stop()
        options = Options(
            workers, self.use_multiprocessing, max_queue_size, seed=self._seed()
        )
        source, plan = self._open(options)
        with open_reading(source, options, plan.entropy) as reading:
            self._begin(source, plan, reading)
        self.workers = workers
        self.queue = BatchQueue(self, max_queue_size)
        self._source = source
        self._reading = reading
        weakref.finalize(self, reading.pool.close, wait=False).atexit = False

    def stop(self, timeout: Optional[float] = None) -> None:
        """Ends the workers.

        Args:
            timeout: Without meaning: the end waits for nobody's code.
        """
        del timeout
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.pool.close()

    def get(self) -> Iterator[Any]:
        """What the source gives, until `stop`; what is None is left out.

        Raises:
            Exception: What the source's own code raised, with a ReadError as its cause;
                the enqueuer has stopped then.
        """
        while self.is_running():
            try:
                with self._lock:
                    run = self._take()
            except Exception as error:  # noqa: BLE001  # any that the user's code raises
                if not self.is_running():  # stopped while we waited
                    return
                self.stop()
                raise_what_it_was(error)
            if isinstance(run, Ended):
                return
            if run is not None:
                item = self._source.object_of(run.arrays[0][0, ...])
                del run  # its memory can be used again
                if item is not None:
                    yield item

    def count_ahead(self) -> int:
        """How many batches are read, or being read; none if it does not run."""
        with self._lock:
            return self._read_ahead() if self.is_running() else 0

    def _seed(self) -> Optional[int]:
        return None

    @abstractmethod
    def _open(self, options: Options) -> tuple[Objects, Plan]:
        """The source behind `sequence`, and the plan for it."""

    @abstractmethod
    def _begin(self, source: Any, plan: Plan, reading: Reading) -> None:
        """Begins to read."""

    @abstractmethod
    def _take(self) -> NextItem:
        """The next batch, None if it is not there after a moment."""

    @abstractmethod
    def _read_ahead(self) -> int:
        """Has batches read, and says how many are read or being read."""


class OrderedEnqueuer(SequenceEnqueuer):
    """Reads a Sequence in order, one pass after the other without an end.

    `on_epoch_end` is called once per pass, in the thread that takes the last batch,
    before it gets that batch; workers see what the hook changes from the next pass on.

    Args:
        sequence: A Sequence, or anything else with `__len__` and `__getitem__`.
        use_multiprocessing: True for processes, False for threads.
        shuffle: Whether each pass has its own order of the batches, drawn from the
            `random` module.
    """

    def __init__(
        self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False
    ) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def join_end_of_epoch(self) -> None:
        """Returns at once: `on_epoch_end` was called before the last batch came."""

    def _open(self, options: Options) -> tuple[Objects, Plan]:
        source = adapt(self.sequence)
        if not isinstance(source, Indexable):
            raise SourceError(
                "`OrderedEnqueuer` reads a Sequence; received: "
                f"`{type(self.sequence).__qualname__}`, which is for "
                "`GeneratorEnqueuer`"
            )
        source.num_batches()  # refuses an empty one before workers are started
        objects = PickledObjects if options.uses_processes else KeptObjects
        return objects(source), Plan(draw=_Shuffled() if self.shuffle else None)

    def _begin(self, source: Any, plan: Plan, reading: Reading) -> None:
        self._boundary = EpochBoundary(source, plan)
        self._opened = reading
        self._epoch = self._next_epoch()

    def _next_epoch(self) -> SequenceEpoch:
        self._boundary.prepare()
        num_batches = self._boundary.num_batches()
        return self._boundary.begin(self._opened, num_batches, CancellationToken())

    def _read_ahead(self) -> int:
        if not self._epoch.num_left:
            self._epoch = self._next_epoch()
        return self._epoch.read_ahead()

    def _take(self) -> Optional[BatchRun]:
        if not self._epoch.num_left:
            self._epoch = self._next_epoch()
        run = self._epoch.take(1)
        if run is not None and not self._epoch.num_left:
            self._boundary.end()
        return run


class GeneratorEnqueuer(SequenceEnqueuer):
    """Reads a generator in order, to its end; one reader reads it, with any workers.

    Args:
        generator: A generator or another iterator.
        use_multiprocessing: Without effect on where the generator runs: one that has
            been made cannot leave its process, and is read in a thread.
        random_seed: Seeds what is drawn from `random` and `numpy.random`, item by item,
            where `use_multiprocessing` is True.
        wait_time: Without meaning since Keras 2.1.
    """

    def __init__(
        self,
        generator: Any,
        use_multiprocessing: bool = False,
        random_seed: Optional[int] = None,
        wait_time: Optional[float] = None,
    ) -> None:
        super().__init__(generator, use_multiprocessing)
        self.random_seed = random_seed
        if wait_time is not None:
            warnings.warn(
                "`wait_time` has no meaning: nothing waits for a time here",
                DeprecationWarning,
                stacklevel=2,
            )

    def _seed(self) -> Optional[int]:
        return self.random_seed if self.use_multiprocessing else None

    def _open(self, options: Options) -> tuple[Objects, Plan]:
        del options  # one that has been made cannot leave its process
        if not is_iterator(self.sequence):
            raise SourceError(
                "`GeneratorEnqueuer` reads a generator or another iterator; received: "
                f"`{type(self.sequence).__qualname__}`. A Sequence is for "
                "`OrderedEnqueuer`; a function has to be called"
            )
        return KeptItems(self.sequence), Plan(seed=self._seed())

    def _begin(self, source: Any, plan: Plan, reading: Reading) -> None:
        del plan
        self._feed = Feed(reading, source.restarts, source.name)
        self._feed.begin()

    def _read_ahead(self) -> int:
        return self._feed.read_ahead()

    def _take(self) -> NextItem:
        item = self._feed.peek()
        if isinstance(item, BatchRun):
            self._feed.take()
        return item


class _Shuffled:
    """Draws as Keras 2.15: each pass shuffles the order of the one before."""

    def __init__(self) -> None:
        self._order: list[int] = []

    def __call__(self, num_batches: int) -> Union[list[int], LazyPermutation]:
        if num_batches > MOST_IN_MEMORY:
            return shuffled(num_batches)
        if len(self._order) != num_batches:
            self._order = list(range(num_batches))
        random.shuffle(self._order)
        return self._order
