"""Puts what Keras has removed back on its `Model`, while the patches are on.

`fit`, `evaluate` and `predict` take `workers`, `use_multiprocessing` and
`max_queue_size` again and read Sequences and iterators through the pipeline; arrays,
datasets and everything else go to Keras as they came. Names that Keras 3 has removed
are back in its modules. A Keras that is imported later is patched when it is.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, Callable

import wrapt

from seq2data.train.feeding import Queue, is_legacy
from seq2data.train.loops import run_once, train, train_on_arrays
from seq2data.train.methods import (
    evaluate_generator,
    fit_generator,
    predict_generator,
)
from seq2data.train.metrics_names import metrics_names, values_in_order
from seq2data.train.patching.restored_names import (
    is_keras_3,
    put_names_back,
    take_names_away,
)
from seq2data.train.patching.when_imported import Attributes, WhenImported
from seq2data.train.spellings import accepts_lr

_KERASES = ("keras", "tf_keras")
_REMOVED = (evaluate_generator, fit_generator, predict_generator)
_KEPT: dict[str, Callable[..., Any]] = {
    "evaluate": run_once,
    "fit": train,
    "predict": run_once,
}
# With a legacy source these have no meaning; Keras has an error for each.
_OF_ARRAYS = ("y", "sample_weight", "validation_split")
# Their values come in the order of `metrics_names`.
_IN_ORDER = ("evaluate", "test_on_batch", "train_on_batch")


class _Patches:
    """The patched classes."""

    def __init__(self) -> None:
        self._attributes = Attributes()
        self._kerases = WhenImported(_KERASES, self._patch)

    def begin(self) -> None:
        put_names_back()
        self._kerases.begin()

    def end(self) -> None:
        self._kerases.end()
        self._attributes.restore()
        take_names_away()

    def _patch(self, keras: ModuleType) -> None:
        self._patch_model(keras)
        optimizer = keras.optimizers.Optimizer
        if is_keras_3(keras.__name__) and not self._attributes.is_set_on(optimizer):
            wrapper = wrapt.FunctionWrapper(optimizer.__init__, accepts_lr)
            self._attributes.set(optimizer, "__init__", wrapper)

    def _patch_model(self, keras: ModuleType) -> None:
        model = keras.Model
        if self._attributes.is_set_on(model):
            return
        for method in _REMOVED:
            self._attributes.set(model, method.__name__, method)
        for name in _KEPT:
            wrapper = wrapt.FunctionWrapper(getattr(model, name), _reads_legacy(name))
            self._attributes.set(model, name, wrapper)
        if is_keras_3(keras.__name__):
            self._attributes.set(model, "metrics_names", property(metrics_names))
            for name in _IN_ORDER:
                wrapper = wrapt.FunctionWrapper(getattr(model, name), values_in_order)
                self._attributes.set(model, name, wrapper)


def _reads_legacy(name: str) -> Callable[..., Any]:
    """The wrapper of `fit`, `evaluate` or `predict`."""

    def call(
        method: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        signature = inspect.signature(method)
        words = [word for word in Queue._fields if word in kwargs]
        others = {key: kwargs[key] for key in kwargs if key not in words}
        given = signature.bind(*args, **others).arguments
        given.update(given.pop("kwargs", {}))
        x, validation = given.get("x"), given.get("validation_data")
        if is_legacy(x) and not any(_says(given, word) for word in _OF_ARRAYS):
            for word in (*_OF_ARRAYS, "batch_size", "x"):  # batches have their size
                given.pop(word, None)
            return _KEPT[name](method, model, x, _queue(given, kwargs, x), **given)
        if is_legacy(validation):
            queue = _queue(given, kwargs, validation)
            return train_on_arrays(method, model, queue=queue, **given)
        is_known = all(word in signature.parameters for word in words)
        return method(*args, **(kwargs if is_known else others))

    return call


def _says(given: dict[str, Any], word: str) -> bool:
    value = given.get(word)
    return value is not None and not (isinstance(value, float) and not value)


def _queue(given: dict[str, Any], kwargs: dict[str, Any], source: Any) -> Queue:
    """The call's queue arguments, else those of a Keras 3 PyDataset, else defaults."""
    own = getattr(source, "__dict__", {})
    values = {word: own[f"_{word}"] for word in Queue._fields if f"_{word}" in own}
    for arguments in (given, kwargs):
        values.update({w: arguments[w] for w in Queue._fields if w in arguments})
    for word in Queue._fields:
        given.pop(word, None)
    return Queue(**values)


_patches = _Patches()


def patch_keras() -> None:
    """Puts `fit_generator` and its kin back on the models of every Keras."""
    _patches.begin()


def unpatch_keras() -> None:
    """Takes back what `patch_keras` did."""
    _patches.end()
