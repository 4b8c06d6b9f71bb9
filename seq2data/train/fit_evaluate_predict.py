"""Calls `fit`, `evaluate` or `predict` with the dataset of a legacy source."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Optional

from seq2data.train import generator_steps
from seq2data.train.class_weights import weighted
from seq2data.train.generator_steps import with_rewinds
from seq2data.train.keras_call import KerasCall
from seq2data.train.keras_versions import is_of_keras_3
from seq2data.train.legacy_sources import is_legacy, is_read_by_keras
from seq2data.train.output_nesting import nested_as_model, output_names
from seq2data.train.source_opener import QueueArguments, SourceOpener, build
from seq2data.train.step_counts import count_of_steps, whole_epochs
from seq2data.train.steps import check_validation, for_one_run, for_training


def fit_on_source(
    fit: Callable[..., Any],
    model: Any,
    source: Any,
    queue: QueueArguments,
    *,
    steps_per_epoch: Optional[int] = None,
    validation_data: Any = None,
    validation_steps: Optional[int] = None,
    class_weight: Any = None,
    shuffle: bool = True,
    **others: Any,
) -> Any:
    """Returns what `fit` returns for a source.

    Args:
        fit: The model's method, or the one that its subclass calls.
        model: The model.
        source: A legacy source, or a dataset.
        queue: How a legacy source is read.
        steps_per_epoch: See `fit_generator`.
        validation_data: See `fit_generator`.
        validation_steps: See `fit_generator`.
        class_weight: See `fit_generator`.
        shuffle: See `fit_generator`.
        **others: Are passed to `fit` as they are.
    """
    steps_per_epoch = count_of_steps("steps_per_epoch", steps_per_epoch)
    others = whole_epochs(others)
    with KerasCall("fit") as call:
        opener = SourceOpener.of(model, queue, call)
        if not is_read_by_keras(source):
            dataset = opener.open(source, shuffle=shuffle)
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
        validation = _validation(opener, model, validation_data, validation_steps)
        return fit(
            source,
            steps_per_epoch=steps_per_epoch,
            **validation,
            class_weight=class_weight,
            shuffle=False,  # for a dataset Keras 3 warns of any other value
            **_with_rewinds(model, call, others),
        )


def _with_rewinds(
    model: Any, call: KerasCall, others: dict[str, Any]
) -> dict[str, Any]:
    if not is_of_keras_3(model):
        return others
    callbacks = with_rewinds(model, call.engines, others.get("callbacks"))
    return {**others, "callbacks": callbacks}


def fit_on_arrays(
    fit: Callable[..., Any],
    model: Any,
    x: Any,
    queue: QueueArguments,
    *,
    validation_data: Any,
    validation_steps: Optional[int] = None,
    **others: Any,
) -> Any:
    """Returns what `fit` returns for arrays with a legacy source as validation data.

    Args:
        fit: The model's method, or the one that its subclass calls.
        model: The model.
        x: Is passed to `fit` as it is.
        queue: How the source is read.
        validation_data: The source.
        validation_steps: See `fit_generator`.
        **others: Are passed to `fit` as they are.
    """
    with KerasCall("fit") as call:
        opener = SourceOpener.of(model, queue, call)
        validation = _validation(opener, model, validation_data, validation_steps)
        others = _with_rewinds(model, call, whole_epochs(others))
        return fit(x, **validation, **others)


def _validation(
    opener: SourceOpener, model: Any, source: Any, steps: Optional[int]
) -> dict[str, Any]:
    """Returns the arguments of `fit` about validation."""
    steps = count_of_steps("validation_steps", steps)
    if is_legacy(source):
        check_validation(source, steps)
        opened = opener.open(source, kind="test")
        opened = opened.derived(partial(nested_as_model, model=model))
        source, steps = for_one_run(opened, steps), None
    return {"validation_data": source, "validation_steps": steps}


def evaluate_or_predict(
    method: Callable[..., Any],
    model: Any,
    source: Any,
    queue: QueueArguments,
    *,
    steps: Optional[int] = None,
    **others: Any,
) -> Any:
    """Returns what `evaluate` or `predict` returns for a source.

    Args:
        method: The model's method, or the one that its subclass calls.
        model: The model.
        source: A legacy source, or a dataset.
        queue: How a legacy source is read.
        steps: See `evaluate_generator`.
        **others: Are passed to `method` as they are.
    """
    steps = count_of_steps("steps", steps)
    with KerasCall(method.__name__) as call:
        opener = SourceOpener.of(model, queue, call)
        if is_read_by_keras(source):
            return method(source, steps=steps, **others)
        kind = "test" if method.__name__ == "evaluate" else method.__name__
        dataset = opener.open(source, kind=kind)
        build(model, dataset)
        nest = partial(nested_as_model, model=model, has_labels=kind == "test")
        dataset = dataset.derived(nest)
        if kind == "test":
            others = _with_rewinds(model, call, others)
        if dataset.num_batches is None and steps is not None:
            # Without the number Keras 3 divides by one batch too many.
            data = generator_steps.for_one_run(dataset, steps)
            return method(data, steps=steps, **others)
        return method(for_one_run(dataset, steps), **others)
