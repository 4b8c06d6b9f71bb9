"""The `tf.data.Dataset` that owns the workers of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, Optional

import tensorflow as tf

from seq2data.pipeline.at_exit import watch
from seq2data.pipeline.bridge import large_batches, small_batches, with_pipeline_options
from seq2data.pipeline.engine import Engine
from seq2data.pipeline.interrupt import interrupt_watch
from seq2data.pipeline.sequence_engine import IndexableEngine
from seq2data.source.spec import BatchSpec
from seq2data.workers.payload.under_import import release_modules

Derive = Callable[[tf.data.Dataset], tf.data.Dataset]


class SourceDataset(tf.data.Dataset):  # type: ignore[misc]  # TF has no types
    """The dataset that owns an engine; iterators and derived datasets keep it.

    Args:
        engine: Reads the batches.
        num_batches: Of an epoch, None for a generator's.
        first: The spec of the first batch, without a dimension that varies.
        derive: Makes the dataset of an epoch from the dataset of its batches, and may
            be called again for an epoch of another length.
    """

    def __init__(
        self,
        engine: Engine[Any],
        num_batches: Optional[int],
        first: BatchSpec,
        derive: Derive,
    ) -> None:
        self._engine = engine
        self._num_batches = num_batches
        self._first = first
        self._derive = derive
        watch(engine)
        # By length. All stay: iterators and derived datasets need the one they have.
        self._streams = {num_batches: self._open_stream(num_batches)}
        stream = self._streams[num_batches]
        super().__init__(tf.data.experimental.to_variant(stream))

    @property
    def engine(self) -> Engine[Any]:
        """The engine, which reads the batches."""
        return self._engine

    @property
    def num_batches(self) -> Optional[int]:
        """The number of batches of an epoch, None for a generator's."""
        return self._num_batches

    @property
    def first(self) -> BatchSpec:
        """The spec of the first batch, without a dimension that varies."""
        return self._first

    def derived(self, derive: Derive) -> SourceDataset:
        """Returns `derive(self)`, which still follows the source's length."""
        return SourceDataset(
            self.engine,
            self.num_batches,
            self.first,
            lambda stream: derive(self._derive(stream)),
        )

    def _inputs(self) -> list[tf.data.Dataset]:
        return [self._streams[self.num_batches]]

    @property
    def element_spec(self) -> Any:
        """The nested `tf.TypeSpec` of a batch."""
        return self._streams[self.num_batches].element_spec

    def __iter__(self) -> Iterator[Any]:
        self.engine.check_process()
        interrupt_watch.begin()
        release_modules()
        num_batches = num_batches_of(self.engine)
        if num_batches != self.num_batches:
            self._follow(num_batches)
        return super().__iter__()  # type: ignore[no-any-return]  # TF has no types

    def _follow(self, num_batches: Optional[int]) -> None:
        """Takes on the length that the source has now, as Keras 2 does each epoch."""
        if num_batches not in self._streams:
            self._streams[num_batches] = self._open_stream(num_batches)
        self._num_batches = num_batches
        self._variant_tensor_attr = self._streams[num_batches]._variant_tensor

    def _open_stream(self, num_batches: Optional[int]) -> tf.data.Dataset:
        stream = self._derive(_stream(self.engine, num_batches))
        return with_pipeline_options(stream)


def num_batches_of(engine: Engine[Any]) -> Optional[int]:
    """Returns how many batches an epoch has now, None for a generator's."""
    if isinstance(engine, IndexableEngine):
        return engine.boundary.num_batches()
    return None


def _stream(engine: Engine[Any], num_batches: Optional[int]) -> tf.data.Dataset:
    if num_batches is None:
        return large_batches(engine)
    is_small = isinstance(engine, IndexableEngine) and engine.most_per_pull > 1
    stream = (small_batches if is_small else large_batches)(engine, num_batches)
    cardinality = tf.data.experimental.assert_cardinality(num_batches)
    return stream.take(num_batches).apply(cardinality)
