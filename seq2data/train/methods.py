"""The methods that Keras 3 has removed, for models of Keras 2 and Keras 3.

What a call means is what tf.keras 2.15 says; `tests/train/README.md` has where the
others differ.
Signatures: keras/engine/training.py of Keras 2.15, lines 2884, 2931 and 2966.
"""

from __future__ import annotations

from typing import Any, Optional

from seq2data.train.feeding import Queue
from seq2data.train.loops import run_once, train
from seq2data.train.metrics_names import evaluate_in_order
from seq2data.train.spellings import accepts_keras_1


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
    """Trains a model on a legacy source, as Keras 2's method of this name.

        >>> history = seq2data.fit_generator(
        ...     model, MySequence(files), epochs=5, workers=8, use_multiprocessing=True
        ... )

    Args:
        model: Of Keras 3, tf.keras or tf_keras; compiled. One that is not built yet is
            built on the first batch.
        generator: A Sequence, or anything else that `to_dataset` reads. Batches are
            (x, y) or (x, y, sample_weight), or a namedtuple, dataclass or `attrs`
            object with these in this order; lists of numbers are arrays. Their float16
            and float64 become `floatx`. Where dtypes differ between batches, those of
            the first and last hold, if no value that the model sees is another then.
        steps_per_epoch: Batches of an epoch, of which part of one counts as one; None
            for a pass over the source. With a number other than its length, an epoch
            goes on where the last one stopped, and the source begins anew at its end: a
            function is called again. A generator cannot begin anew: where it ends
            before the steps are done, Keras 2 stops training, and with Keras 3 it is a
            SourceError.
        epochs: Number of the last epoch, counted from 1.
        verbose: As in `fit`.
        callbacks: As in `fit`.
        validation_data: Arrays and datasets as in `fit`, or a legacy source, which is
            read as the training's. A Sequence is validated from its first batch each
            time, a generator goes on where it stopped, and one that ends inside a
            validation is a SourceError. Its first two batches are read at once, and
            then what each validation takes, while it runs: a callback may call
            `next(generator)` at any other time, and has the batch that follows.
        validation_steps: Batches of a validation; None for all.
        validation_freq: Each how many epochs there is one, or a list of epochs.
        class_weight: From class to weight, or a list of the classes' weights; for
            several outputs, or one, a dict of such by output name, or a list of them.
            Multiplies `sample_weight`.
        max_queue_size: How many batches are read ahead, beside those that workers are
            at.
        workers: How many batches are read at once, 0 for reading in TensorFlow's
            thread.
        use_multiprocessing: True for processes, False for threads.
        shuffle: Whether each pass over a Sequence has its own order of batches, drawn
            from the `random` module.
        initial_epoch: Number of the first epoch, counted from 0.

    Returns:
        Keras's History.

    Raises:
        SourceError: The source is empty or of a kind that cannot be read, or the
            validation may never end.
        PayloadError: The source cannot be sent to processes.
        BatchTimeoutError, WorkerCrashError: As in `to_dataset`.
        Exception: What the source's own code raised, with a ReadError as its cause
            that names the batch and has the worker's traceback.
    """
    return train(
        model.fit,
        model,
        generator,
        Queue(max_queue_size, workers, use_multiprocessing),
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
    """Evaluates a model on a legacy source, as Keras 2's method of this name.

    Args:
        model: See `fit_generator`.
        generator: See `fit_generator`.
        steps: How many batches; None for all. A Sequence with fewer begins anew; a
            generator is read no further.
        callbacks: As in `evaluate`.
        max_queue_size: See `fit_generator`.
        workers: See `fit_generator`.
        use_multiprocessing: See `fit_generator`.
        verbose: As in `evaluate`.

    Returns:
        The loss, or a list of the loss and the metrics in Keras 2's order: the loss,
        that of each output, and output by output the metrics; with `patch_keras`
        `model.metrics_names` has their names. A class that overrides `evaluate` decides
        itself.

    Raises:
        Exception: See `fit_generator`.
    """
    return run_once(
        evaluate_in_order(model),
        model,
        generator,
        Queue(max_queue_size, workers, use_multiprocessing),
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
    """Predicts with a model from a legacy source, as Keras 2's method of this name.

    Args:
        model: See `fit_generator`.
        generator: See `fit_generator`; of batches that are tuples only x is used.
        steps: How many batches; None for all. A Sequence with fewer begins anew; a
            generator is read no further.
        callbacks: As in `predict`.
        max_queue_size: See `fit_generator`.
        workers: See `fit_generator`.
        use_multiprocessing: See `fit_generator`.
        verbose: As in `predict`.

    Returns:
        The predictions, in the batches' order, in the nesting of the model's outputs.

    Raises:
        Exception: See `fit_generator`.
    """
    return run_once(
        model.predict,
        model,
        generator,
        Queue(max_queue_size, workers, use_multiprocessing),
        steps=steps,
        callbacks=callbacks,
        verbose=verbose,
    )
