"""Opens the readers of one dataset: processes where that is possible, else threads."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from seq2data.errors import PayloadError
from seq2data.options import Options
from seq2data.pipeline.array_release import ArrayRelease
from seq2data.pipeline.interrupt import interrupt_watch
from seq2data.pipeline.task_wait import TaskWait
from seq2data.pipeline.user_line import stacklevel
from seq2data.plan.chunks import ChunkSize
from seq2data.source.adapt import Source
from seq2data.source.generator import GeneratorObject
from seq2data.source.indexable import Indexable
from seq2data.workers.payload.under_import import release_modules
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.protocol import Pool
from seq2data.workers.system.capabilities import start_method, warn_of_shortcomings
from seq2data.workers.threads.pool import ThreadPool


@dataclass(frozen=True)
class Reading:
    """How batches are read; the same for all epochs of a dataset.

    Attributes:
        pool: Reads them.
        entropy: Seeds each batch's random state; None leaves it alone.
        chunk_size: Gives the number of batches of a task; consumers' threads use it.
        most_tasks: How many tasks are read ahead.
        array_release: Knows when arrays were last exchanged with TensorFlow.
        name: The source's, for messages.
        timeout: Seconds that a task may take, None for no limit.
    """

    pool: Pool
    entropy: Optional[int]
    chunk_size: ChunkSize
    most_tasks: int
    array_release: ArrayRelease
    name: str
    timeout: Optional[float]

    def task_wait(self) -> TaskWait:
        """Returns a wait for one consumer of tasks."""
        return TaskWait(self.pool, self.name, self.timeout)


@contextlib.contextmanager
def open_reading(source: Source, options: Options, entropy: int) -> Iterator[Reading]:
    """Opens readers. It closes them if the block raises; else their engine does.

    Raises:
        PayloadError: The source cannot be sent to the processes that were asked for.
    """
    interrupt_watch.begin()
    release_modules()
    workers = max(1, options.num_workers) if isinstance(source, Indexable) else 1
    array_release = ArrayRelease()
    pool = _make_pool(source, options, workers, array_release)
    # Other processes have no random state of the user's that they could go on with.
    seeds = options.seed is not None or (
        isinstance(source, Indexable)
        and (source.seeds_itself or not pool.shares_generators)
    )
    try:
        yield Reading(
            pool,
            entropy if seeds else None,
            ChunkSize(workers),
            workers + options.max_queue_size,
            array_release,
            source.name,
            options.timeout,
        )
    except BaseException:
        pool.close()
        raise


def _make_pool(
    source: Source, options: Options, workers: int, array_release: ArrayRelease
) -> Pool:
    if not options.uses_processes or isinstance(source, GeneratorObject):
        return ThreadPool(source, workers)
    warn_of_shortcomings(1 + stacklevel())
    method = start_method()
    if method is None:
        # One thread: it is not known that several may call the source at once.
        return ThreadPool(source, 1)
    pool = ProcessPool(
        source.name,
        workers,
        free_segments=options.max_queue_size + 2,
        start_method=method,
        before_send=array_release,
    )
    try:
        pool.load(source)
    except PayloadError as error:
        pool.close()
        if isinstance(source, Indexable):
            _allow_thread(options, error)
        # One thread: what cannot be sent is often an open file, with one position.
        return ThreadPool(source, 1)
    except BaseException:
        pool.close()
        raise
    return pool


def _allow_thread(options: Options, error: PayloadError) -> None:
    """Warns that a thread reads the source.

    Raises:
        PayloadError: The user has asked for processes.
    """
    if options.workers is not None:
        raise error
    warnings.warn(
        f"{error}. It is read in one thread of this process now; `workers=1, "
        "use_multiprocessing=False` asks for that, without this warning",
        RuntimeWarning,
        stacklevel=stacklevel(),
    )
