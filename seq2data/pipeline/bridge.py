"""Turns an engine into a `tf.data.Dataset`: hands arrays over to TensorFlow.

    ticks -> scan(numpy_function(pull)) -> small batches:  flat_map(from_tensor_slices)
                                           large batches:  flat_map(from_tensors)

`scan` keeps one state per iterator, by which the engine knows the iterator. A
contiguous array at a multiple of 64 bytes becomes a tensor without a copy;
`from_tensors` hands it on, while `from_tensor_slices` copies, which for small batches
costs next to nothing.

A pull that finds no batch yet hands over none, and TensorFlow pulls again. So several
times a second it can see whether its iterator was deleted meanwhile. A wait inside one
long call would make `del iterator` wait, too.

There is no `from_generator` and no parallel `map` here, for measured reasons: with them
TensorFlow's own work between two epochs takes some 12 ms (here: 1), a `map` waits for
the call at its head even when it is cancelled, and what TensorFlow has read ahead looks
consumed to us. The window reads ahead, in parallel.
"""

from __future__ import annotations

import weakref
from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.options import usable_cores
from seq2data.pipeline.engine import Batches, Engine
from seq2data.pipeline.raw_datasets import flat_map, scan
from seq2data.pipeline.signature import element_spec, pack, tensor_specs

_Pulled = tuple[np.ndarray, ...]
_END = -1
"""The count of a pull that has found the end."""


def small_batches(engine: Engine[Any], num_batches: int) -> tf.data.Dataset:
    """Returns an endless dataset: several batches per hand-over, each leaf dense."""
    specs = tensor_specs(engine.spec)
    batched = [
        tf.TensorSpec(tf.TensorShape([None]).concatenate(spec.shape), spec.dtype)
        for spec in specs
    ]
    nothing = [_nothing(spec, 0) for spec in specs]
    pull = _pull(weakref.ref(engine), num_batches, nothing, _all_arrays)

    def step(state: tf.Tensor, tick: tf.Tensor) -> list[tf.Tensor]:
        del tick
        new_state, _, *tensors = _call(pull, state, batched)
        return [new_state, *tensors]

    def slices(*tensors: tf.Tensor) -> tf.data.Dataset:
        # Not `unbatch`, which crashes on leaves without elements (2.15 to 2.21).
        return tf.data.Dataset.from_tensor_slices(tensors)

    pulled = scan(_ticks(), _no_state(), step, batched)
    return flat_map(pulled, slices, element_spec(engine.spec))


def large_batches(
    engine: Engine[Any], num_batches: Optional[int] = None
) -> tf.data.Dataset:
    """Returns a dataset with one batch per hand-over, in the worker's memory.

    Args:
        engine: Gives the batches.
        num_batches: Of an epoch, whose stream is endless; None for a stream that stops
            where the engine says so.
    """
    batch_spec = engine.spec
    specs = tensor_specs(batch_spec)
    nothing = [_nothing(spec) for spec in specs]
    pull = _pull(weakref.ref(engine), num_batches, nothing, _one_batch)

    def step(state: tf.Tensor, tick: tf.Tensor) -> list[tf.Tensor]:
        del tick
        return _call(pull, state, specs)

    def unwrap(count: tf.Tensor, *tensors: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensors(pack(batch_spec, tensors)).take(count)

    def is_before_end(count: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return count != _END

    counted = [tf.TensorSpec([], tf.int64), *specs]
    pulled = scan(_ticks(), _no_state(), step, counted)
    if num_batches is None:
        # AutoGraph would leave a file in the temporary folder.
        goes_on = tf.autograph.experimental.do_not_convert(is_before_end)
        pulled = pulled.take_while(goes_on)
    return flat_map(pulled, unwrap, element_spec(batch_spec))


def with_pipeline_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset with the options that a pulling pipeline needs.

    It cannot be sharded. It has threads of its own: otherwise a pull that waits for a
    worker would hold one of the threads that the training step runs on
    (`inter_op_parallelism_threads`). There is nothing to tune: the autotuner's thread
    would make the end of every epoch wait for its next period, up to 80 ms.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    options.autotune.enabled = False
    options.threading.private_threadpool_size = usable_cores() + 2
    return dataset.with_options(options)


def _ticks() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensors(np.int8(0)).repeat()


def _no_state() -> tf.Tensor:
    return tf.zeros([0], tf.int64)


def _call(
    pull: Callable[[np.ndarray], _Pulled], state: tf.Tensor, specs: list[tf.TensorSpec]
) -> list[tf.Tensor]:
    """Returns the new state, the number of batches, and their tensors."""
    types = [tf.int64, tf.int64, *(spec.dtype for spec in specs)]
    results = tf.numpy_function(pull, [state], types)
    for tensor, shape in zip(results, [[None], [], *(spec.shape for spec in specs)]):
        tensor.set_shape(shape)
    return list(results)


def _pull(
    engine: weakref.ref[Engine[Any]],
    num_batches: Optional[int],
    nothing: list[np.ndarray],
    arrays_of: Callable[[Batches], list[np.ndarray]],
) -> Callable[[np.ndarray], _Pulled]:
    """Returns the function that TensorFlow calls.

    Args:
        engine: Weakly: TensorFlow keeps functions for longer than datasets.
        num_batches: See `Engine.pull`.
        nothing: Arrays of the types of a hand-over without a batch.
        arrays_of: Gives the arrays of a hand-over.
    """

    def pull(state: np.ndarray) -> _Pulled:
        new_state, batches = _alive(engine).pull(state, num_batches)
        if batches is None:
            return (new_state, np.int64(0), *nothing)
        if batches[0] == 0:
            return (new_state, np.int64(_END), *nothing)
        return (new_state, np.int64(batches[0]), *arrays_of(batches))

    return pull


def _all_arrays(batches: Batches) -> list[np.ndarray]:
    return batches[1]


def _one_batch(batches: Batches) -> list[np.ndarray]:
    return [array[0, ...] for array in batches[1]]


def _alive(reference: weakref.ref[Engine[Any]]) -> Engine[Any]:
    engine = reference()
    if engine is None:
        raise SourceError(
            "the dataset that `to_dataset` returned is gone, and its workers with it: "
            "keep a reference to it as long as anything reads from it"
        )
    return engine


def _nothing(spec: tf.TensorSpec, *leading: int) -> np.ndarray:
    rank = spec.shape.rank or 0
    dtype = object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype
    shape = tuple(size or 0 for size in spec.shape) if rank else ()
    array = np.zeros((*leading, *shape), dtype)
    if dtype is object:
        array[...] = b""
    return array
