"""What the number of steps of a call means for the dataset that Keras receives.

The meaning is the same for every number of workers; in Keras it never was:

    training    An epoch continues where the last one stopped. At its end a source
                starts again (as in the enqueuers of Keras 2.3, and in Keras 3 with one
                worker). Without a number of steps an epoch reads the source once.
    other runs  A Sequence is read from its first batch. A generator continues where it
                stopped.
"""

from __future__ import annotations

from typing import Any, Optional

import tensorflow as tf

from seq2data.errors import SourceError
from seq2data.pipeline.source_dataset import SourceDataset
from seq2data.source.generator import is_iterator
from seq2data.train import generator_steps


def for_training(
    dataset: SourceDataset, steps: Optional[int], *, by_keras_3: bool
) -> tuple[tf.data.Dataset, Optional[int]]:
    """Returns the dataset and the number of steps for `fit`, for epochs of `steps`."""
    if steps is None or steps == dataset.num_batches:
        return dataset, None
    if dataset.num_batches is None:
        return generator_steps.for_training(dataset, steps, by_keras_3=by_keras_3)
    return dataset.repeat(), steps


def for_one_run(dataset: SourceDataset, steps: Optional[int]) -> tf.data.Dataset:
    """Returns the dataset of an evaluation or a prediction of `steps` batches."""
    if steps is None or steps == dataset.num_batches:
        return dataset
    if dataset.num_batches is None:
        return generator_steps.for_validations(dataset, steps)
    if steps > dataset.num_batches:
        return dataset.repeat().take(steps)
    return dataset.take(steps)


def check_validation(source: Any, steps: Optional[int]) -> None:
    """Refuses a validation that may never end.

    Raises:
        SourceError: The source is an iterator, and there is no number of steps.
    """
    if steps is None and is_iterator(source) and not hasattr(source, "__len__"):
        raise SourceError(
            f"`validation_data` is a `{type(source).__qualname__}`, which may never "
            "end: pass `validation_steps`, the number of batches of a validation"
        )
