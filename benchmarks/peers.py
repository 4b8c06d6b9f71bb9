"""Keras, torch and Grain, which read the same Sequence as seq2data, for comparison.

Each function makes passes over the batches as tensors of TensorFlow. torch and Grain
know no such tensors; their arrays are made into tensors here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Passes = Callable[[], Iterable[Any]]


@contextlib.contextmanager
def keras_passes(source: Any) -> Iterator[Callable[[], Iterator[Any]]]:
    """Yields a function that runs one pass over a PyDataset as `model.fit` does it."""
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

    adapter = PyDatasetAdapter(source)
    dataset = adapter.get_tf_dataset()

    def one_pass() -> Iterator[Any]:
        adapter.on_epoch_begin()
        for (batch,) in dataset:
            yield batch
        adapter.on_epoch_end()

    yield one_pass


def torch_passes(source: Any, workers: int) -> Passes:
    """Returns passes of torch's DataLoader; its workers are forked for each pass."""
    import tensorflow as tf
    from torch.utils.data import DataLoader

    loader = DataLoader(source, batch_size=None, num_workers=workers)
    return lambda: (tf.convert_to_tensor(batch.numpy()) for batch in loader)


def grain_passes(source: Any, workers: int) -> Passes:
    """Returns passes of Grain; its workers are started afresh for each pass.

    A worker holds two batches ready, as torch's does.
    """
    import grain
    import tensorflow as tf

    options = grain.MultiprocessingOptions(workers, per_worker_buffer_size=2)
    in_worker = grain.ReadOptions(num_threads=0)
    dataset = grain.MapDataset.source(source).to_iter_dataset(in_worker)
    read_ahead = dataset.mp_prefetch(options)
    return lambda: (tf.convert_to_tensor(batch) for batch in read_ahead)
