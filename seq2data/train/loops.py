"""Calls `fit`, `evaluate` or `predict` with the dataset of a legacy source."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Optional

from seq2data.train.call import Call
from seq2data.train.counts import count_of_steps, whole_epochs
from seq2data.train.feeding import (
    Feeding,
    Queue,
    build,
    check_validation,
    for_one_run,
    for_training,
    is_legacy,
    is_read_by_keras,
)
from seq2data.train.generators import run_of, with_rehearsals
from seq2data.train.outputs import nested_as_model, output_names
from seq2data.train.sizes import is_of_keras_3
from seq2data.train.weights import weighted


def train(
    fit: Callable[..., Any],
    model: Any,
    source: Any,
    queue: Queue,
    *,
    steps_per_epoch: Optional[int] = None,
    validation_data: Any = None,
    validation_steps: Optional[int] = None,
    class_weight: Any = None,
    shuffle: bool = True,
    **others: Any,
) -> Any:
    """What `fit` returns for a source.

    Args:
        fit: The model's, or the one that its subclass calls.
        model: The model.
        source: Read by us, unless it is a dataset already.
        queue: How.
        steps_per_epoch: See `fit_generator`.
        validation_data: See `fit_generator`.
        validation_steps: See `fit_generator`.
        class_weight: See `fit_generator`.
        shuffle: See `fit_generator`.
        **others: Go to `fit` as they are.
    """
    steps_per_epoch = count_of_steps("steps_per_epoch", steps_per_epoch)
    others = whole_epochs(others)
    with Call("fit") as call:
        feeding = Feeding.of(model, queue, call)
        if not is_read_by_keras(source):
            dataset = feeding.open(source, shuffle=shuffle)
            build(model, dataset)
            if class_weight is not None:
                names = output_names(model)
                dataset = dataset.derived(
                    partial(weighted, class_weight=class_weight, output_names=names)
                )
                class_weight = None
            dataset = dataset.derived(partial(nested_as_model, model=model))
            source, steps_per_epoch = for_training(
                dataset, steps_per_epoch, by_keras_3=is_of_keras_3(model)
            )
        validation = _validation(feeding, model, validation_data, validation_steps)
        return fit(
            source,
            steps_per_epoch=steps_per_epoch,
            **validation,
            class_weight=class_weight,
            shuffle=False,  # a dataset; Keras 3 warns of anything else
            **_with_rehearsals(model, call, others),
        )


def _with_rehearsals(model: Any, call: Call, others: dict[str, Any]) -> dict[str, Any]:
    if not is_of_keras_3(model):
        return others
    callbacks = with_rehearsals(model, call.engines, others.get("callbacks"))
    return {**others, "callbacks": callbacks}


def train_on_arrays(
    fit: Callable[..., Any],
    model: Any,
    x: Any,
    queue: Queue,
    *,
    validation_data: Any,
    validation_steps: Optional[int] = None,
    **others: Any,
) -> Any:
    """What `fit` returns for arrays that are validated on a legacy source.

    Args:
        fit: The model's, or the one that its subclass calls.
        model: The model.
        x: Goes to `fit` as it is.
        queue: How the source is read.
        validation_data: The source.
        validation_steps: See `fit_generator`.
        **others: Go to `fit` as they are.
    """
    with Call("fit") as call:
        feeding = Feeding.of(model, queue, call)
        validation = _validation(feeding, model, validation_data, validation_steps)
        others = _with_rehearsals(model, call, whole_epochs(others))
        return fit(x, **validation, **others)


def _validation(
    feeding: Feeding, model: Any, source: Any, steps: Optional[int]
) -> dict[str, Any]:
    """The validation's arguments for `fit`."""
    steps = count_of_steps("validation_steps", steps)
    if is_legacy(source):
        check_validation(source, steps)
        opened = feeding.open(source, kind="test")
        opened = opened.derived(partial(nested_as_model, model=model))
        source, steps = for_one_run(opened, steps), None
    return {"validation_data": source, "validation_steps": steps}


def run_once(
    call: Callable[..., Any],
    model: Any,
    source: Any,
    queue: Queue,
    *,
    steps: Optional[int] = None,
    **others: Any,
) -> Any:
    """What `evaluate` or `predict` returns for a source.

    Args:
        call: The model's method, or the one that its subclass calls.
        model: The model.
        source: Read by us, unless it is a dataset already.
        queue: How.
        steps: See `evaluate_generator`.
        **others: Go to `call` as they are.
    """
    steps = count_of_steps("steps", steps)
    with Call(call.__name__) as entered:
        feeding = Feeding.of(model, queue, entered)
        if is_read_by_keras(source):
            return call(source, steps=steps, **others)
        kind = "test" if call.__name__ == "evaluate" else call.__name__
        dataset = feeding.open(source, kind=kind)
        build(model, dataset)
        nest = partial(nested_as_model, model=model, has_labels=kind == "test")
        dataset = dataset.derived(nest)
        if kind == "test":
            others = _with_rehearsals(model, entered, others)
        if dataset.num_batches is None and steps is not None:
            # Not told the number, Keras 3 divides by one batch too many.
            return call(run_of(dataset, steps), steps=steps, **others)
        return call(for_one_run(dataset, steps), **others)
