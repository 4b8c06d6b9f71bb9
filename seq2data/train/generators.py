"""How many batches a call takes of a generator, and where the generator stands then.

Its batches are taken on demand.

    training    of Keras 2 in one pass, of Keras 3 in a pass per epoch, since it takes
                more than it is told where `steps_per_execution` does not divide that;
                it is read ahead as far as `max_queue_size` says, as in Keras 2.3
    other runs  a pass each; of a number of steps, none is read past them: what one
                leaves, the next one gets, or whoever else calls the generator
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Callable, Optional

import tensorflow as tf

from seq2data.pipeline.engine import Engine
from seq2data.pipeline.generator_engine import GeneratorEngine
from seq2data.pipeline.source_dataset import SourceDataset

_MORE = (
    "pass the function that makes it, which is called again at each end, or a "
    "generator that goes on"
)


def epochs_of(
    dataset: SourceDataset, steps: int, *, by_keras_3: bool
) -> tuple[tf.data.Dataset, Optional[int]]:
    """The dataset and the number of steps to tell Keras, for a training.

    Args:
        dataset: A generator's.
        steps: Of an epoch.
        by_keras_3: Whether Keras 3 takes the batches. It goes on after an end and
            counts what it has not trained on, so an end before `steps` is an error
            there; Keras 2 stops training.
    """
    engine = dataset.engine
    if isinstance(engine, GeneratorEngine):
        end = f"an epoch has `steps_per_epoch={steps}` of them; {_MORE}"
        engine.expect(must_go_on=end if by_keras_3 else "")
    if not by_keras_3:
        return _going_on(dataset), steps
    return _counted(_going_on(dataset).take(steps), steps), None


def validations_of(dataset: SourceDataset, steps: int) -> tf.data.Dataset:
    """The dataset of one validation after the other, of `steps` batches each."""
    engine = dataset.engine
    if isinstance(engine, GeneratorEngine):
        end = f"a validation has `validation_steps={steps}` of them; {_MORE}"
        engine.expect(per_epoch=steps, must_go_on=end)
    return _counted(_going_on(dataset).take(steps), steps)


def run_of(dataset: SourceDataset, steps: int) -> tf.data.Dataset:
    """The dataset of an evaluation or a prediction of `steps`, if there are so many."""
    if isinstance(dataset.engine, GeneratorEngine):
        dataset.engine.expect(per_epoch=steps)
    return _going_on(dataset).take(steps)


def _going_on(dataset: SourceDataset) -> tf.data.Dataset:
    """One whose function is called again at its generator's end."""
    engine = dataset.engine
    restarts = isinstance(engine, GeneratorEngine) and engine.feed.restarts
    return dataset.repeat() if restarts else dataset


def _counted(dataset: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    # Keras 3 counts one too many in the first validation of unknown length.
    return dataset.apply(tf.data.experimental.assert_cardinality(steps))


def with_rehearsals(
    model: Any, engines: Mapping[str, Engine[Any]], callbacks: Any
) -> Any:
    """The callbacks of a call in which Keras 3 looks at generators beforehand.

    Under a `tf.distribute` strategy it begins each training and evaluation with a batch
    that only builds the model, and reads ahead of that one, all of which is dropped
    (`_maybe_symbolic_build` in keras/src/backend/tensorflow/trainer.py). Such batches
    are put back when the training or evaluation proper begins.

    Args:
        model: Of Keras 3.
        engines: What is read, by "train" and "test".
        callbacks: The user's.
    """
    if not _has_strategy(model):
        return callbacks
    read = {
        kind: engine
        for kind, engine in engines.items()
        if isinstance(engine, GeneratorEngine)
    }
    if len(set(map(id, read.values()))) < len(read):
        del read["test"]  # the very dataset that the model is trained on
    hooks: dict[str, Any] = {}
    for kind, engine in read.items():
        engine.mark()
        hooks[f"on_{kind}_begin"] = _ignoring_logs(engine.rewind)
        if kind == "test":
            hooks["on_test_end"] = _ignoring_logs(engine.mark)
    return _with_callback(callbacks, hooks) if hooks else callbacks


def _has_strategy(model: Any) -> bool:
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None:
        return False
    with strategy.scope():
        return bool(tf.distribute.has_strategy())


def _ignoring_logs(hook: Callable[[], object]) -> Callable[..., None]:
    def call(logs: Any = None) -> None:
        del logs
        hook()

    return call


def _with_callback(callbacks: Any, hooks: dict[str, Any]) -> Any:
    kinds = sys.modules["keras"].callbacks
    ours = type("_Rehearsals", (kinds.Callback,), {})()
    vars(ours).update(hooks)
    if isinstance(callbacks, kinds.CallbackList):
        callbacks.append(ours)
        return callbacks
    return [ours] if callbacks is None else [ours, callbacks]
