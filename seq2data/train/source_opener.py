"""Makes datasets of the legacy sources that one call of a Keras method reads."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
import tensorflow as tf

from seq2data.options import Options, whole
from seq2data.pipeline.dataset import open_dataset
from seq2data.pipeline.signature import zeros
from seq2data.pipeline.source_dataset import SourceDataset
from seq2data.plan.epochs import Draw, epochs_of
from seq2data.source.adapt import adapt
from seq2data.source.indexable import Indexable
from seq2data.source.keras_batches import as_keras_batch
from seq2data.source.spec import BatchSpec
from seq2data.train.batch_shapes import loosened
from seq2data.train.floatx import floatx_of, in_floatx
from seq2data.train.keras_call import KerasCall
from seq2data.train.shuffling import shuffled


class QueueArguments(NamedTuple):
    """The arguments about reading, in Keras 2's order and with its defaults."""

    max_queue_size: int = 10
    workers: int = 1
    use_multiprocessing: bool = False


@dataclass(frozen=True)
class SourceOpener:
    """Opens the sources of one call.

    Attributes:
        queue: Keras's arguments about reading.
        call: Watches the datasets.
        loosen: Gives a spec the sizes that the model accepts.
        floatx: The type that floats are cast to.
    """

    queue: QueueArguments
    call: KerasCall
    loosen: Callable[[BatchSpec], BatchSpec]
    floatx: tf.DType

    @classmethod
    def of(cls, model: Any, queue: QueueArguments, call: KerasCall) -> SourceOpener:
        """Returns the one that makes batches as the model's Keras needs them."""
        loosen = partial(loosened, model=model)
        return cls(queue, call, loosen, floatx_of(model))

    def open(
        self, source: Any, *, kind: str = "train", shuffle: bool = False
    ) -> SourceDataset:
        """Returns the dataset of a source.

        Args:
            source: What the user passed. An open dataset is returned as it is.
            kind: What it is for: "train", "test" or "predict".
            shuffle: True if each epoch has its own order of batches, drawn from the
                `random` module as in Keras 2; a generator keeps its order.
        """
        if isinstance(source, SourceDataset):
            dataset = source
        else:
            adapted = adapt(source)
            adapted.standardize = as_keras_batch
            ahead = self.queue.max_queue_size
            draw: Optional[Draw] = None
            if not isinstance(adapted, Indexable):
                # Reading ahead moves a generator on, and the next call of
                # `fit_generator` shows how far. Keras's bound includes the item that
                # is being read.
                ahead = max(1, whole("max_queue_size", ahead, 1) - 1)
            elif shuffle and not adapted.keeps_order:
                draw = shuffled
            options = Options(self.queue.workers, self.queue.use_multiprocessing, ahead)
            dataset = open_dataset(
                adapted,
                options,
                loosen=self.loosen,
                floatx=np.dtype(self.floatx.as_numpy_dtype),
                draw=draw,
                epochs=epochs_of(source),  # legacy loops call `fit` for each epoch
                derive=partial(in_floatx, floatx=self.floatx),
            )
        self.call.watch(dataset, kind)
        return dataset


def build(model: Any, dataset: SourceDataset) -> None:
    """Builds a model that is not built yet, on the sizes of the first batch.

    The dataset itself may give ranks only. Keras 2 does the same
    (`KerasSequenceAdapter` in keras/engine/data_adapter.py).
    """
    if model.built:
        return
    batch = zeros(dataset.first)
    # A model whose steps never use `call` has none; where one is needed, Keras raises.
    with contextlib.suppress(NotImplementedError):
        model(batch[0] if isinstance(batch, tuple) else batch, training=False)
