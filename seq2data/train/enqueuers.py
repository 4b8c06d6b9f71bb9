"""Runs Keras 2's `OrderedEnqueuer` and `GeneratorEnqueuer` on workers of seq2data.

    start()  starts the workers
    get()    returns a generator of batches; several of them share the batches
    queue    shows how many batches are read ahead
    stop()   ends the workers at once, and with them every `get()`

Batches are what the source returns, of any type: with threads the same object, with
processes an equal one.
"""

from __future__ import annotations

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
from seq2data.source.adapt import adapt
from seq2data.source.generator import is_iterator
from seq2data.source.indexable import Indexable
from seq2data.source.objects import KeptItems, KeptObjects, PickledObjects
from seq2data.train.enqueuer_queue import EnqueuerQueue
from seq2data.train.keras_call import raise_original
from seq2data.train.shuffling import ReshuffledOrder
from seq2data.workers.task import BatchRun

Objects = Union[KeptItems, KeptObjects, PickledObjects]


class SequenceEnqueuer(ABC):
    """The base of both enqueuers.

    Args:
        sequence: The user's source.
        use_multiprocessing: True for processes, False for threads.
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self.workers = 0
        self.queue: Optional[EnqueuerQueue] = None
        self._reading: Optional[Reading] = None
        self._lock = threading.Lock()

    def is_running(self) -> bool:
        """True if it was started, and not stopped since."""
        return self._reading is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Starts the workers; a running enqueuer is stopped first.

        Args:
            workers: How many batches are read at once.
            max_queue_size: How many batches are kept ready, beside those that workers
                are reading.

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
        self.queue = EnqueuerQueue(self, max_queue_size)
        self._source = source
        self._reading = reading
        weakref.finalize(self, reading.pool.close, wait=False).atexit = False

    def stop(self, timeout: Optional[float] = None) -> None:
        """Ends the workers.

        Args:
            timeout: Ignored. The workers end at once, whatever the source does.
        """
        del timeout
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.pool.close()

    def get(self) -> Iterator[Any]:
        """Yields what the source returns, until `stop`; skips None.

        Raises:
            Exception: The exception of the source's own code, with a ReadError as its
                cause. The enqueuer has stopped then.
        """
        while self.is_running():
            try:
                with self._lock:
                    run = self._take()
            except Exception as error:  # noqa: BLE001  # any that the user's code raises
                if not self.is_running():  # `stop` was called during the wait
                    return
                self.stop()
                raise_original(error)
            if isinstance(run, Ended):
                return
            if run is not None:
                item = self._source.object_of(run.arrays[0][0, ...])
                del run  # its memory can be used again
                if item is not None:
                    yield item

    def count_ahead(self) -> int:
        """Returns how many batches are read or being read; 0 if it does not run."""
        with self._lock:
            return self._read_ahead() if self.is_running() else 0

    def _seed(self) -> Optional[int]:
        return None

    @abstractmethod
    def _open(self, options: Options) -> tuple[Objects, Plan]:
        """Returns the source behind `sequence`, and the plan for it."""

    @abstractmethod
    def _begin(self, source: Any, plan: Plan, reading: Reading) -> None:
        """Begins to read."""

    @abstractmethod
    def _take(self) -> NextItem:
        """Returns the next batch; None if it has not come after a moment."""

    @abstractmethod
    def _read_ahead(self) -> int:
        """Sends batches to workers; returns how many are read or being read."""


class OrderedEnqueuer(SequenceEnqueuer):
    """Reads a Sequence in order, one epoch after the other, without an end.

    `on_epoch_end` is called once for each epoch, in the thread that takes the last
    batch, before it gets that batch. Workers see the hook's changes in the next epoch.

    Args:
        sequence: A Sequence, or anything else with `__len__` and `__getitem__`.
        use_multiprocessing: True for processes, False for threads.
        shuffle: True if each epoch has its own order of batches, drawn from the
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
                f"`{type(self.sequence).__qualname__}`. Use `GeneratorEnqueuer` for it"
            )
        source.num_batches()  # refuses an empty one before workers are started
        objects = PickledObjects if options.uses_processes else KeptObjects
        return objects(source), Plan(draw=ReshuffledOrder() if self.shuffle else None)

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
    """Reads a generator in order, to its end, in one thread for any `workers`.

    Args:
        generator: A generator or another iterator.
        use_multiprocessing: True if `random_seed` applies. The generator is read in a
            thread in any case, because a live generator cannot leave its process.
        random_seed: Seeds `random` and `numpy.random` for each item, where
            `use_multiprocessing` is True.
        wait_time: Ignored; it has had no meaning since Keras 2.1.
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
                "`wait_time` has no effect, since nothing here waits for a fixed time: "
                "leave it out",
                DeprecationWarning,
                stacklevel=2,
            )

    def _seed(self) -> Optional[int]:
        return self.random_seed if self.use_multiprocessing else None

    def _open(self, options: Options) -> tuple[Objects, Plan]:
        del options  # a live generator cannot leave its process
        if not is_iterator(self.sequence):
            raise SourceError(
                "`GeneratorEnqueuer` reads a generator or another iterator; received: "
                f"`{type(self.sequence).__qualname__}`. Use `OrderedEnqueuer` for a "
                "Sequence; call a function and pass the generator that it returns"
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
