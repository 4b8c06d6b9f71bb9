"""The dataset of a legacy source, as `fit_generator` and its kin understand it.

Steps mean the same for every number of workers, which they never did in Keras:

    training    an epoch goes on where the last one stopped, and a source that comes to
                its end begins anew (as the enqueuers of Keras 2.3 and Keras 3 with one
                worker); without a number of steps an epoch is a pass
    other runs  begin at the first batch; a generator goes on where it stopped
"""

from __future__ import annotations

import contextlib
import inspect
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.options import Options, whole
from seq2data.pipeline.dataset import open_dataset
from seq2data.pipeline.signature import zeros
from seq2data.pipeline.source_dataset import SourceDataset
from seq2data.plan.epochs import Draw, epochs_of
from seq2data.plan.permutation import MOST_IN_MEMORY, LazyPermutation
from seq2data.source.adapt import adapt
from seq2data.source.generator import is_iterator
from seq2data.source.indexable import Indexable
from seq2data.source.keras_batches import as_keras_batch
from seq2data.source.spec import BatchSpec
from seq2data.train import generators
from seq2data.train.call import Call
from seq2data.train.floats import floatx_of, in_floatx
from seq2data.train.patching.restored_names import is_keras_3
from seq2data.train.sizes import loosened

# Indexable as well, but Keras 3 reads them in its own way.
_READ_BY_KERAS = ("grain", "torch")


class Queue(NamedTuple):
    """The arguments, with Keras 2's defaults, in Keras 2's order."""

    max_queue_size: int = 10
    workers: int = 1
    use_multiprocessing: bool = False


@dataclass(frozen=True)
class Feeding:
    """How the sources of one call are read.

    Attributes:
        max_queue_size: Keras's argument.
        workers: Keras's argument.
        use_multiprocessing: Keras's argument.
        call: Is told what is read in it.
        loosen: Lets batches have the sizes that the model takes.
        floatx: What floats are cast to.
    """

    max_queue_size: int
    workers: int
    use_multiprocessing: bool
    call: Call
    loosen: Callable[[BatchSpec], BatchSpec]
    floatx: tf.DType

    @classmethod
    def of(cls, model: Any, queue: Queue, call: Call) -> Feeding:
        """As a model's Keras wants it."""
        loosen = partial(loosened, model=model)
        return cls(*queue, call, loosen, floatx_of(model))

    def open(
        self, source: Any, *, kind: str = "train", shuffle: bool = False
    ) -> SourceDataset:
        """The dataset of one pass after the other.

        Args:
            source: What the user passed; a dataset that was opened before stays.
            kind: What it is for: "train", "test" or "predict".
            shuffle: Whether each pass has its own order of the batches, drawn from the
                `random` module as in Keras 2; a generator's stays.
        """
        if isinstance(source, SourceDataset):
            dataset = source
        else:
            adapted = adapt(source)
            adapted.standardize = as_keras_batch
            ahead = self.max_queue_size
            draw: Optional[Draw] = None
            if not isinstance(adapted, Indexable):
                # Reading ahead moves a generator on, and who calls `fit_generator`
                # again sees how far: Keras's bound counts the item being read, too.
                ahead = max(1, whole("max_queue_size", ahead, 1) - 1)
            elif shuffle and not adapted.keeps_order:
                draw = shuffled
            options = Options(self.workers, self.use_multiprocessing, ahead)
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


def shuffled(num_batches: int) -> Union[list[int], LazyPermutation]:
    """The order of a pass, from the `random` module."""
    if num_batches > MOST_IN_MEMORY:
        return LazyPermutation(num_batches, random.getrandbits(128))
    order = list(range(num_batches))
    random.shuffle(order)
    return order


def for_training(
    dataset: SourceDataset, steps: Optional[int], *, by_keras_3: bool
) -> tuple[tf.data.Dataset, Optional[int]]:
    """The dataset and the number of steps to tell Keras, for epochs of `steps`."""
    if steps is None or steps == dataset.num_batches:
        return dataset, None
    if dataset.num_batches is None:
        return generators.epochs_of(dataset, steps, by_keras_3=by_keras_3)
    return dataset.repeat(), steps


def for_one_run(dataset: SourceDataset, steps: Optional[int]) -> tf.data.Dataset:
    """The dataset of an evaluation or a prediction of `steps`."""
    if steps is None or steps == dataset.num_batches:
        return dataset
    if dataset.num_batches is None:
        return generators.validations_of(dataset, steps)
    if steps > dataset.num_batches:
        return dataset.repeat().take(steps)
    return dataset.take(steps)


def check_validation(source: Any, steps: Optional[int]) -> None:
    """Refuses a validation that may never end.

    Raises:
        SourceError: The source is an iterator, and nobody says how much to take.
    """
    if steps is None and is_iterator(source) and not hasattr(source, "__len__"):
        raise SourceError(
            f"`validation_data` is a `{type(source).__qualname__}`, whose end nobody "
            "knows: pass `validation_steps`, the number of batches of a validation"
        )


def is_legacy(source: Any) -> bool:
    """Whether it is a Sequence, an iterator or a function, by what it can do.

    Arrays and containers of them are none, and no dataset is: these are Keras's. Nor is
    a dataset's iterator where Keras reads it.
    """
    if isinstance(source, tf.data.Dataset):
        return False
    if isinstance(source, tf.data.Iterator):
        return is_keras_3("keras")  # which refuses what Keras 2 reads itself
    if hasattr(source, "__next__") or inspect.isroutine(source):
        return True
    is_indexable = hasattr(source, "__len__") and hasattr(source, "__getitem__")
    return (
        is_indexable or isinstance(source, partial) or is_iterator(source)
    ) and not (
        isinstance(source, (list, tuple, Mapping, str, bytes))
        or _is_array(source)
        or type(source).__module__.partition(".")[0] in _READ_BY_KERAS
    )


def _is_array(source: Any) -> bool:
    """Whether it has rows, and not batches that may have a `shape` as well.

    Keras 2 takes what has `shape` and `dtype` for an array
    (`GenericArrayLikeDataAdapter` in keras/engine/data_adapter.py).
    """
    if hasattr(source, "__array__"):
        return True
    if hasattr(source, "on_epoch_end") or not hasattr(source, "shape"):
        return False
    # One of settings is a text or a class.
    return isinstance(getattr(source, "dtype", None), (np.dtype, tf.DType))


def is_read_by_keras(source: Any) -> bool:
    """Whether it is a dataset of the user's own."""
    return isinstance(source, tf.data.Dataset) and not isinstance(source, SourceDataset)


def build(model: Any, dataset: SourceDataset) -> None:
    """Builds a model that is not built yet on the sizes of the first batch.

    The dataset may tell only ranks. Keras 2 does the same (`KerasSequenceAdapter` in
    keras/engine/data_adapter.py).
    """
    if model.built:
        return
    batch = zeros(dataset.first)
    # A model whose steps do without `call`; where it is missed, Keras says so.
    with contextlib.suppress(NotImplementedError):
        model(batch[0] if isinstance(batch, tuple) else batch, training=False)
