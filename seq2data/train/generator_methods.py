"""Implements `fit_generator` and the other removed methods, for Keras 2 and Keras 3.

A call means what it means in tf.keras 2.15; `tests/train/README.md` lists where other
versions differ.
Signatures: keras/engine/training.py of Keras 2.15, lines 2884, 2931 and 2966.
"""

from __future__ import annotations

from typing import Any, Optional

from seq2data.train.argument_names import accepts_keras_1
from seq2data.train.fit_evaluate_predict import evaluate_or_predict, fit_on_source
from seq2data.train.metrics_names import evaluate_in_order
from seq2data.train.source_opener import QueueArguments


@accepts_keras_1
def fit_generator(  # noqa: PLR0917  # Keras 2's
    model: Any,
    generator: Any,
    steps_per_epoch: Optional[int] = None,
    epochs: int = 1,
    verbose: Any = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: Optional[int] = None,
    validation_freq: Any = 1,
    class_weight: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
) -> Any:
    """Trains a model on a legacy source, like Keras 2's method of this name.

        >>> history = seq2data.fit_generator(
        ...     model,
        ...     MySequence(files, labels, batch_size=32),
        ...     epochs=5,
        ...     workers=8,
        ...     use_multiprocessing=True,
        ... )

    Args:
        model: A compiled model of Keras 3, tf.keras or tf_keras. If it is not built
            yet, it is built on the first batch.
        generator: A Sequence, or anything else that `to_dataset` reads. A batch is
            (x, y) or (x, y, sample_weight), or a namedtuple, dataclass or `attrs`
            object with these in this order. Lists of numbers become arrays. Floats of
            16 and 64 bits become `floatx`. Where dtypes differ between batches, the
            dtypes of the first and last batch apply to all, if that changes no value
            that the model sees.
        steps_per_epoch: Batches of an epoch; a part of a batch counts as one. None
            reads the source once. With a number other than its length, an epoch
            continues where the last one stopped, and at its end the source starts
            again: a function is called again. A generator object cannot start again.
            If it ends before the steps are done, Keras 2 stops training, and Keras 3
            raises a SourceError.
        epochs: Number of the last epoch, counted from 1.
        verbose: As in `fit`.
        callbacks: As in `fit`.
        validation_data: Arrays or a dataset as in `fit`, or a legacy source, which is
            read like the training's. Each validation reads a Sequence from its first
            batch. A generator continues where it stopped, and raises a SourceError if
            it ends inside a validation. Its first two batches are read when `fit`
            begins; later ones are read only while a validation runs. At any other time
            a callback may call `next(generator)` and gets the batch that follows.
        validation_steps: Batches of a validation; None for all.
        validation_freq: How many epochs there are from one validation to the next, or
            a list of epochs.
        class_weight: A dict from class to weight, or a list of the classes' weights.
            For several outputs, or for one: a dict of such by output name, or a list
            of such. The weights multiply `sample_weight`.
        max_queue_size: How many batches are kept ready, beside those that workers are
            reading.
        workers: How many batches are read at once; 0 reads in TensorFlow's thread.
        use_multiprocessing: True for processes, False for threads.
        shuffle: True if each epoch over a Sequence has its own order of batches, drawn
            from the `random` module.
        initial_epoch: Number of the first epoch, counted from 0.

    Returns:
        Keras's History.

    Raises:
        SourceError: The source is empty or of a kind that cannot be read, or the
            validation may never end.
        PayloadError: The source cannot be sent to processes.
        BatchTimeoutError, WorkerCrashError: As in `to_dataset`.
        Exception: The exception of the source's own code. Its cause is a ReadError,
            which names the batch and holds the worker's traceback.
    """
    return fit_on_source(
        model.fit,
        model,
        generator,
        QueueArguments(max_queue_size, workers, use_multiprocessing),
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        validation_steps=validation_steps,
        validation_freq=validation_freq,
        class_weight=class_weight,
        shuffle=shuffle,
        initial_epoch=initial_epoch,
    )


@accepts_keras_1
def evaluate_generator(  # noqa: PLR0917  # Keras 2's
    model: Any,
    generator: Any,
    steps: Optional[int] = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: Any = 0,
) -> Any:
    """Evaluates a model on a legacy source, like Keras 2's method of this name.

    Args:
        model: See `fit_generator`.
        generator: See `fit_generator`.
        steps: How many batches; None for all. A Sequence with fewer batches starts
            again. A generator is not read beyond this number.
        callbacks: As in `evaluate`.
        max_queue_size: See `fit_generator`.
        workers: See `fit_generator`.
        use_multiprocessing: See `fit_generator`.
        verbose: As in `evaluate`.

    Returns:
        The loss, or a list in Keras 2's order: the loss, the loss of each output, then
        for each output its metrics. After `patch_keras` `model.metrics_names` is the
        list of their names. A class that overrides `evaluate` decides itself.

    Raises:
        Exception: See `fit_generator`.
    """
    return evaluate_or_predict(
        evaluate_in_order(model),
        model,
        generator,
        QueueArguments(max_queue_size, workers, use_multiprocessing),
        steps=steps,
        callbacks=callbacks,
        verbose=verbose,
    )


@accepts_keras_1
def predict_generator(  # noqa: PLR0917  # Keras 2's
    model: Any,
    generator: Any,
    steps: Optional[int] = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: Any = 0,
) -> Any:
    """Predicts on a legacy source with a model, like Keras 2's method of this name.

    Args:
        model: See `fit_generator`.
        generator: See `fit_generator`. If a batch is a tuple, only its x is used.
        steps: How many batches; None for all. A Sequence with fewer batches starts
            again. A generator is not read beyond this number.
        callbacks: As in `predict`.
        max_queue_size: See `fit_generator`.
        workers: See `fit_generator`.
        use_multiprocessing: See `fit_generator`.
        verbose: As in `predict`.

    Returns:
        The predictions, in the order of the batches, nested like the model's outputs.

    Raises:
        Exception: See `fit_generator`.
    """
    return evaluate_or_predict(
        model.predict,
        model,
        generator,
        QueueArguments(max_queue_size, workers, use_multiprocessing),
        steps=steps,
        callbacks=callbacks,
        verbose=verbose,
    )
