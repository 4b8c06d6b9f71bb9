"""Turns an engine into a `tf.data.Dataset`: the hand-over of arrays to TensorFlow.

    ticks -> scan(numpy_function(pull)) -> small batches:  unbatch
                                           large batches:  flat_map(from_tensors)

`scan` keeps one state per iterator, which is what tells iterators apart. A contiguous
array at a multiple of 64 bytes becomes a tensor without a copy; `from_tensors` hands it
on, while `unbatch` copies, which for small batches costs less than another function.

A pull that finds no batch yet hands over none, and TensorFlow pulls again: so it comes
by, several times a second, to see whether its iterator was deleted meanwhile. A wait
inside one long call would make `del iterator` wait, too.

There is no `from_generator` and no parallel `map` here, for measured reasons: a
`from_generator` head costs every pass about 7 ms, `map` has calls in flight that cannot
be cancelled, and reading ahead inside TensorFlow hides from us what was consumed.
"""

from __future__ import annotations

import weakref
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.options import usable_cores
from seq2data.pipeline.engine import Engine
from seq2data.pipeline.signature import pack, tensor_specs

_Pulled = tuple[np.ndarray, ...]


def small_batches(engine: Engine[Any]) -> tf.data.Dataset:
    """Endless: several batches per hand-over, each leaf dense."""
    spec = engine.spec
    specs = tensor_specs(spec)
    batched = [tf.TensorSpec([None]).shape.concatenate(s.shape) for s in specs]
    pull = _pull(weakref.ref(engine), [_nothing(s, 0) for s in specs])

    def step(state: tf.Tensor, _: tf.Tensor) -> Any:
        new_state, _, tensors = _call(pull, state, specs)
        for tensor, shape in zip(tensors, batched):
            tensor.set_shape(shape)
        return new_state, pack(spec, tensors)

    return _scan(step).unbatch()


def large_batches(engine: Engine[Any], *, ends: bool) -> tf.data.Dataset:
    """One batch per hand-over, in the memory that the worker wrote.

    Args:
        engine: Gives the batches.
        ends: Whether the stream stops where the engine says so; else it is endless.
    """
    spec = engine.spec
    specs = tensor_specs(spec)
    pull = _pull_one(weakref.ref(engine), [_nothing(s) for s in specs])

    def step(state: tf.Tensor, _: tf.Tensor) -> Any:
        new_state, count, tensors = _call(pull, state, specs)
        for tensor, tensor_spec in zip(tensors, specs):
            tensor.set_shape(tensor_spec.shape)
        return new_state, (count, *tensors)

    pulled = _scan(step)
    if ends:
        pulled = pulled.take_while(lambda count, *_: count >= 0)
    return pulled.flat_map(
        lambda count, *tensors: tf.data.Dataset.from_tensors(pack(spec, tensors)).take(
            count
        )
    )


def with_pipeline_options(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """No sharding of what cannot be sharded, threads of its own, nothing to tune.

    A pull that waits for a worker would else hold one of the threads that the training
    step runs on (`inter_op_parallelism_threads`). The autotuner's thread would make the
    end of every pass wait for its next period, up to 80 ms.
    """
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    options.autotune.enabled = False
    options.threading.private_threadpool_size = usable_cores() + 2
    return dataset.with_options(options)


def _scan(step: Callable[[tf.Tensor, tf.Tensor], Any]) -> tf.data.Dataset:
    ticks = tf.data.Dataset.from_tensors(np.int8(0)).repeat()
    no_state = tf.zeros([0], tf.int64)
    return ticks.scan(no_state, tf.autograph.experimental.do_not_convert(step))


def _call(
    pull: Callable[[np.ndarray], _Pulled], state: tf.Tensor, specs: list[tf.TensorSpec]
) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    types = [tf.int64, tf.int64, *(spec.dtype for spec in specs)]
    new_state, count, *tensors = tf.numpy_function(pull, [state], types)
    new_state.set_shape([None])
    count.set_shape([])
    return new_state, count, tensors


def _pull(
    engine: weakref.ref[Engine[Any]], nothing: list[np.ndarray]
) -> Callable[[np.ndarray], _Pulled]:
    def pull(state: np.ndarray) -> _Pulled:
        new_state, batches = _alive(engine).pull(state)
        count, arrays = (0, nothing) if batches is None else batches
        return (new_state, np.int64(count), *arrays)

    return pull


def _pull_one(
    engine: weakref.ref[Engine[Any]], nothing: list[np.ndarray]
) -> Callable[[np.ndarray], _Pulled]:
    def pull(state: np.ndarray) -> _Pulled:
        new_state, batches = _alive(engine).pull(state)
        if batches is None:
            return (new_state, np.int64(0), *nothing)
        count, arrays = batches
        if count == 0:
            return (new_state, np.int64(-1), *nothing)
        return (new_state, np.int64(1), *(array[0, ...] for array in arrays))

    return pull


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
