"""Restores what Keras has removed from `Model`, from `patch_keras` to `unpatch_keras`.

`fit`, `evaluate` and `predict` accept `workers`, `use_multiprocessing` and
`max_queue_size` again, and read Sequences and iterators through the pipeline. Arrays,
datasets and everything else are passed to Keras as they are. The modules of Keras 3
have the removed names again. A Keras that is imported later is patched then.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, Callable

import wrapt

from seq2data.train.argument_names import accepts_lr
from seq2data.train.fit_evaluate_predict import (
    evaluate_or_predict,
    fit_on_arrays,
    fit_on_source,
)
from seq2data.train.generator_methods import (
    evaluate_generator,
    fit_generator,
    predict_generator,
)
from seq2data.train.keras_versions import is_keras_3
from seq2data.train.legacy_sources import is_legacy
from seq2data.train.metrics_names import metrics_names, values_in_order
from seq2data.train.patching.restored_names import remove_names, restore_names
from seq2data.train.patching.when_imported import AttributeChanges, WhenImported
from seq2data.train.source_opener import QueueArguments

_KERASES = ("keras", "tf_keras")
_REMOVED = (evaluate_generator, fit_generator, predict_generator)
_KEPT: dict[str, Callable[..., Any]] = {
    "evaluate": evaluate_or_predict,
    "fit": fit_on_source,
    "predict": evaluate_or_predict,
}
# Arguments that a legacy source cannot have; Keras raises its own error for each.
_OF_ARRAYS = ("y", "sample_weight", "validation_split")
# Methods whose values get the order of `metrics_names`.
_IN_ORDER = ("evaluate", "test_on_batch", "train_on_batch")


class _Patches:
    """The patches of classes, of every Keras that is imported."""

    def __init__(self) -> None:
        self._changes = AttributeChanges()
        self._kerases = WhenImported(_KERASES, self._patch)

    def begin(self) -> None:
        restore_names()
        self._kerases.begin()

    def end(self) -> None:
        self._kerases.end()
        self._changes.undo()
        remove_names()

    def _patch(self, keras: ModuleType) -> None:
        self._patch_model(keras)
        optimizer = keras.optimizers.Optimizer
        if is_keras_3(keras.__name__) and not self._changes.is_set_on(optimizer):
            wrapper = wrapt.FunctionWrapper(optimizer.__init__, accepts_lr)
            self._changes.set(optimizer, "__init__", wrapper)

    def _patch_model(self, keras: ModuleType) -> None:
        model = keras.Model
        if self._changes.is_set_on(model):
            return
        for method in _REMOVED:
            self._changes.set(model, method.__name__, method)
        for name in _KEPT:
            wrapper = wrapt.FunctionWrapper(getattr(model, name), _wrapper_of(name))
            self._changes.set(model, name, wrapper)
        if is_keras_3(keras.__name__):
            self._changes.set(model, "metrics_names", property(metrics_names))
            for name in _IN_ORDER:
                wrapper = wrapt.FunctionWrapper(getattr(model, name), values_in_order)
                self._changes.set(model, name, wrapper)


def _wrapper_of(name: str) -> Callable[..., Any]:
    """Returns the wrapper of `fit`, `evaluate` or `predict`."""

    def call(
        method: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        signature = inspect.signature(method)
        words = [word for word in QueueArguments._fields if word in kwargs]
        others = {key: kwargs[key] for key in kwargs if key not in words}
        given = signature.bind(*args, **others).arguments
        given.update(given.pop("kwargs", {}))
        x, validation = given.get("x"), given.get("validation_data")
        if is_legacy(x) and not any(_is_given(given, word) for word in _OF_ARRAYS):
            for word in (*_OF_ARRAYS, "batch_size", "x"):  # batches have their size
                given.pop(word, None)
            return _KEPT[name](method, model, x, _queue(given, kwargs, x), **given)
        if is_legacy(validation):
            queue = _queue(given, kwargs, validation)
            return fit_on_arrays(method, model, queue=queue, **given)
        is_known = all(word in signature.parameters for word in words)
        return method(*args, **(kwargs if is_known else others))

    return call


def _is_given(given: dict[str, Any], word: str) -> bool:
    value = given.get(word)
    return value is not None and not (isinstance(value, float) and not value)


def _queue(
    given: dict[str, Any], kwargs: dict[str, Any], source: Any
) -> QueueArguments:
    """Takes the arguments about reading out of a call.

    What the call does not have comes from a Keras 3 PyDataset, else from the defaults.
    """
    words = QueueArguments._fields
    own = getattr(source, "__dict__", {})
    values = {word: own[f"_{word}"] for word in words if f"_{word}" in own}
    for arguments in (given, kwargs):
        values.update({word: arguments[word] for word in words if word in arguments})
    for word in words:
        given.pop(word, None)
    return QueueArguments(**values)


_patches = _Patches()


def patch_keras() -> None:
    """Restores `fit_generator` and other removed names in every Keras."""
    _patches.begin()


def unpatch_keras() -> None:
    """Undoes what `patch_keras` did."""
    _patches.end()
