"""How many batches a call reads from a generator, and where the generator then is.

training    Keras 2 iterates over the dataset once. Keras 3 iterates once for each
            epoch, because it takes too many batches where `steps_per_execution`
            does not divide the number of steps. The generator is read ahead by
            `max_queue_size` batches, as in Keras 2.3.
other runs  Each iterates once. With a number of steps, no batch after them is
            read: the next run, or any other caller of the generator, gets it.
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


def for_training(
    dataset: SourceDataset, steps: int, *, by_keras_3: bool
) -> tuple[tf.data.Dataset, Optional[int]]:
    """Returns the dataset and the number of steps for `fit`.

    Args:
        dataset: The dataset of a generator.
        steps: Batches of an epoch.
        by_keras_3: True if Keras 3 takes the batches. After an end of the data it
            continues and counts steps that it did not train, so an end before `steps`
            is an error there. Keras 2 stops training.
    """
    engine = dataset.engine
    if isinstance(engine, GeneratorEngine):
        end = f"an epoch has `steps_per_epoch={steps}` of them; {_MORE}"
        engine.expect(must_go_on=end if by_keras_3 else "")
    if not by_keras_3:
        return _restarting(dataset), steps
    return _counted(_restarting(dataset).take(steps), steps), None


def for_validations(dataset: SourceDataset, steps: int) -> tf.data.Dataset:
    """Returns the dataset for a series of validations of `steps` batches each."""
    engine = dataset.engine
    if isinstance(engine, GeneratorEngine):
        end = f"a validation has `validation_steps={steps}` of them; {_MORE}"
        engine.expect(per_epoch=steps, must_go_on=end)
    return _counted(_restarting(dataset).take(steps), steps)


def for_one_run(dataset: SourceDataset, steps: int) -> tf.data.Dataset:
    """Returns the dataset of an evaluation or a prediction of at most `steps`."""
    if isinstance(dataset.engine, GeneratorEngine):
        dataset.engine.expect(per_epoch=steps)
    return _restarting(dataset).take(steps)


def _restarting(dataset: SourceDataset) -> tf.data.Dataset:
    """Returns the dataset that calls a generator function again at each end."""
    engine = dataset.engine
    restarts = isinstance(engine, GeneratorEngine) and engine.feed.restarts
    return dataset.repeat() if restarts else dataset


def _counted(dataset: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    # In the first validation of unknown length Keras 3 counts one step too many.
    return dataset.apply(tf.data.experimental.assert_cardinality(steps))


def with_rewinds(model: Any, engines: Mapping[str, Engine[Any]], callbacks: Any) -> Any:
    """Returns callbacks that rewind generators after Keras 3 has built the model.

    Under a `tf.distribute` strategy Keras 3 first reads some batches, builds the model
    on one of them, and drops them all (`_maybe_symbolic_build` in
    keras/src/backend/tensorflow/trainer.py). The callbacks rewind each generator to the
    first of these batches when the training or evaluation begins.

    Args:
        model: A model of Keras 3.
        engines: What the call reads, by "train" and "test".
        callbacks: The user's callbacks.
    """
    if not _has_strategy(model):
        return callbacks
    read = {
        kind: engine
        for kind, engine in engines.items()
        if isinstance(engine, GeneratorEngine)
    }
    if len(set(map(id, read.values()))) < len(read):
        del read["test"]  # the dataset that also trains the model
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
    ours = type("_Rewinds", (kinds.Callback,), {})()
    vars(ours).update(hooks)
    if isinstance(callbacks, kinds.CallbackList):
        callbacks.append(ours)
        return callbacks
    return [ours] if callbacks is None else [ours, callbacks]
