"""`to_dataset`: from the user's object to a `tf.data.Dataset`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Callable, Optional, Union

import numpy as np
import tensorflow as tf

from seq2data.errors import BatchError, SourceError
from seq2data.options import Options, whole
from seq2data.pipeline.engine import Engine
from seq2data.pipeline.epoch_boundary import EpochBoundary
from seq2data.pipeline.generator_engine import GeneratorEngine
from seq2data.pipeline.generator_feed import Ended, Feed
from seq2data.pipeline.hook_thread import HookThread
from seq2data.pipeline.readers import Reading, open_reading
from seq2data.pipeline.sequence_engine import IndexableEngine
from seq2data.pipeline.signature import from_signature
from seq2data.pipeline.source_dataset import Derive, SourceDataset, num_batches_of
from seq2data.plan.chunks import batches_per_chunk
from seq2data.plan.epochs import Draw, EpochCount, Plan
from seq2data.source.adapt import GeneratorSource, Source, adapt
from seq2data.source.indexable import Indexable
from seq2data.source.spec import BatchSpec
from seq2data.source.structure import ARRAY
from seq2data.workers.task import BatchRun, Task

# The spec of a generator's items comes from so many of them.
_ITEMS_FOR_SPEC = 2

SpecOf = Callable[[dict[int, BatchRun]], BatchSpec]


def _as_it_is(value: Any) -> Any:
    return value


def to_dataset(
    source: Any,
    *,
    transform: Optional[Callable[[Any], Any]] = None,
    batch_size: Optional[int] = None,
    shuffle: bool = False,
    seed: Optional[int] = None,
    workers: Optional[int] = None,
    use_multiprocessing: bool = True,
    max_queue_size: int = 10,
    output_signature: Any = None,
    timeout: Optional[float] = None,
) -> tf.data.Dataset:
    """Reads old Keras input code with worker processes, as a `tf.data.Dataset`.

    One iteration over the dataset is one epoch: it yields `source[0], source[1], ...`
    in this order, whatever the number of workers. Structure, dtypes and values are the
    source's own; lists become tuples, since tf.data has none, and text becomes bytes.

        >>> sequence = [(np.full([4, 2], i), np.full([4], i)) for i in range(10)]
        >>> dataset = seq2data.to_dataset(sequence, workers=2)
        >>> model.fit(dataset, epochs=5)

    The source's `on_epoch_end` is called once per completed epoch, in this process,
    before the last batch is handed over; workers see what it changes from the next
    epoch on. It is not called for an epoch that is given up. What `__getitem__` changes
    in the source stays in the worker that ran it.

    Args:
        source: A Keras 2 or Keras 3 Sequence or PyDataset, or anything else with
            `__len__` and `__getitem__`; a generator or another iterator; a function
            without arguments that returns one. A generator is read by one reader, in
            order, and every epoch goes on where the last one stopped; a function is
            called again after its generator's end.
        transform: Called with `source[i]`, in the worker; gives the arrays. With it and
            `batch_size`, `source` may hold single samples of any type.
        batch_size: How many samples tf.data puts into a batch; None where `source[i]`
            is a batch.
        shuffle: True if each epoch has its own order of the indices: of batches, or of
            samples where `batch_size` is given. It is drawn from (seed, epoch).
        seed: Makes the order, and what `__getitem__` draws from `random`,
            `numpy.random` and the source's own generators, depend on (seed, epoch,
            index) alone. A generator that the user made from a seed of his own follows
            that seed instead. Without it no two batches share random state. Threads,
            and `workers=0`, read batches that draw one after the other then, since
            these generators are one per process.
        workers: How many batches are read at once; None for as many as there are usable
            cores, 0 for reading in this process.
        use_multiprocessing: False for threads instead of processes.
        max_queue_size: How many batches are read ahead, beside those that workers are
            reading. Batches that together have less than 256 KB count as one.
        output_signature: Nested `tf.TensorSpec` of `source[i]` (after `transform`).
            None for the dtypes of the first batch, with the dimensions in which the
            first and the last batch agree; the batch dimension is always None.
        timeout: Seconds that a batch may take, None for no limit. Without it, a
            warning tells after 60 seconds, and at doubling intervals, where the worker
            is.

    Returns:
        A dataset with known cardinality (unknown for generators). Its workers live as
        long as it, its iterators, and datasets derived from it.

    Raises:
        SourceError: The source is empty, or of a kind that cannot be read.
        BatchError: Its first or last batch is not made of arrays, or does not fit
            `output_signature`.
        ReadError: Reading the first or last batch raised.
        PayloadError: It cannot be sent to workers (only where `workers` is given;
            else it is read in one thread, with a warning).
        ValueError: A number is out of its range.
    """
    options = Options(
        workers, use_multiprocessing, max_queue_size, shuffle, seed, timeout
    )
    signature = None if output_signature is None else from_signature(output_signature)
    if batch_size is not None:
        batch_size = whole("batch_size", batch_size, 1)
    dataset = open_dataset(
        adapt(source, transform), options, signature, batched=batch_size is None
    )
    return dataset if batch_size is None else dataset.batch(batch_size)


def open_dataset(
    source: Source,
    options: Options,
    signature: Optional[BatchSpec] = None,
    *,
    batched: bool = True,
    loosen: Callable[[BatchSpec], BatchSpec] = _as_it_is,
    floatx: Optional[np.dtype] = None,
    draw: Optional[Draw] = None,
    epochs: Optional[EpochCount] = None,
    derive: Derive = _as_it_is,
) -> SourceDataset:
    """Returns the dataset that reads a source.

    Args:
        source: The adapted source.
        options: How it is read.
        signature: The spec that the user has given; every batch has to fit it.
        batched: True if the first dimension counts samples.
        loosen: Lets batches have other sizes than the spec says.
        floatx: See `BatchSpec`.
        draw: Gives each epoch its order of the indices, instead of the seed.
        epochs: Counts the epochs, where those of other datasets count, too.
        derive: See `SourceDataset`.
    """
    batched = batched or not isinstance(source, Indexable)
    spec_of = partial(
        _spec, signature=signature, batched=batched, floatx=floatx, loosen=loosen
    )
    if isinstance(source, Indexable):
        plan = Plan(options.shuffle, options.seed, draw, epochs)
        engine, first = _index_engine(source, options, plan, spec_of)
    else:
        _check_generator_options(options)
        engine, first = _generator_engine(source, options, spec_of)
    return SourceDataset(engine, num_batches_of(engine), first, derive)


def _index_engine(
    source: Indexable,
    options: Options,
    plan: Plan,
    spec_of: SpecOf,
) -> tuple[Engine[Any], BatchSpec]:
    source.num_batches()  # refuses an empty one before its hook is called
    boundary = EpochBoundary(source, plan)
    boundary.prepare()
    indices = sorted({0, source.num_batches() - 1})
    # The thread comes first: where the system refuses more, there are fewer workers.
    with (
        HookThread(source.name, options.timeout) as hooks,
        open_reading(source, options, plan.entropy) as reading,
    ):
        batches = _read(reading, plan.next_epoch, indices)
        spec = spec_of(batches)
        nbytes = max(map(_batch_bytes, batches.values()))
        reading.chunk_size.set_batch_bytes(nbytes)
        is_dense = all(leaf.kind == ARRAY for leaf in spec.leaves)
        most_per_pull = batches_per_chunk(nbytes) if is_dense else 1
        boundary.keep(batches)
        engine = IndexableEngine(reading, spec, most_per_pull, boundary, hooks)
        return engine, _concrete(batches[0])


def _generator_engine(
    source: GeneratorSource, options: Options, spec_of: SpecOf
) -> tuple[Engine[Any], BatchSpec]:
    plan = Plan(seed=options.seed)
    with open_reading(source, options, plan.entropy) as reading:
        feed = Feed(reading, source.restarts, source.name)
        items = [_peek(feed, ahead) for ahead in range(_ITEMS_FOR_SPEC)]
        found = {i: item for i, item in enumerate(items) if isinstance(item, BatchRun)}
        if not found:
            raise SourceError(
                f"`{source.name}` is empty: it ended before its first batch"
            )
        return GeneratorEngine(reading, spec_of(found), feed), _concrete(found[0])


def _read(reading: Reading, epoch: int, indices: list[int]) -> dict[int, BatchRun]:
    """Returns the batches of some indices; nothing else is read meanwhile."""
    batches = {}
    task_wait = reading.task_wait()
    for index in indices:
        task = Task(epoch, reading.entropy, (index,))
        reading.pool.submit(task)
        while (result := task_wait.wait(task)) is None:
            continue  # the wait itself reports what takes long
        if result.error is not None:
            raise result.error
        batches[index] = result.runs[0]
    return batches


def _peek(feed: Feed, ahead: int) -> Union[BatchRun, Ended]:
    """Returns an item of a generator, which stays the feed's."""
    while (item := feed.peek(ahead)) is None:
        continue  # the wait itself reports what takes long
    return item


def _spec(
    batches: dict[int, BatchRun],
    signature: Optional[BatchSpec],
    *,
    batched: bool,
    floatx: Optional[np.dtype],
    loosen: Callable[[BatchSpec], BatchSpec],
) -> BatchSpec:
    spec = signature
    for index, run in batches.items():
        if signature is not None:
            signature.conform(run.structure, run.arrays, index)
            continue
        arrays = [array[0, ...] for array in run.arrays]
        found = BatchSpec.of(run.structure, arrays, batched=batched)
        spec = spec.merge(found, index) if spec else replace(found, floatx=floatx)
    assert spec is not None
    if not spec.leaves:
        raise BatchError(f"the first batch holds no array: {spec.structure}", 0)
    return spec if signature is not None else loosen(spec)


def _concrete(run: BatchRun) -> BatchSpec:
    arrays = [array[0, ...] for array in run.arrays]
    return BatchSpec.of(run.structure, arrays, batched=False)


def _batch_bytes(run: BatchRun) -> int:
    return sum(
        sum(map(len, array.flat)) if array.dtype == object else array.nbytes
        for array in run.arrays
    )


def _check_generator_options(options: Options) -> None:
    if options.shuffle:
        raise SourceError(
            "`shuffle` orders indices, and a generator has none: shuffle inside the "
            "generator, or call `.shuffle(buffer_size)` on the dataset"
        )
