"""Puts the values of `evaluate` and their names into the order of Keras 2.

Keras 2 returns the loss, the loss of each output, then for each output its metrics and
weighted metrics, then the metrics that the model and its layers add. Keras 3 has one
name for all of `metrics=`, sorts the metrics of several outputs by name, and returns a
metric twice if a weighted one has the same name.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import wrapt

from seq2data.train.keras_versions import is_of_keras_3

# Keras 3 puts all of `metrics=` and `weighted_metrics=` into one metric of this class.
_COMPILED = "CompileMetrics"

# By that metric, once it is built. Reading its names computes all its values.
_names_of: weakref.WeakKeyDictionary[Any, list[str]] = weakref.WeakKeyDictionary()


def metrics_names(model: Any) -> list[str]:
    """Returns Keras 2's names of a Keras 3 model's losses and metrics, in its order.

    The names of `metrics=` are known after the first batch.
    """
    outputs = _output_names(model)
    names = [metric.name for metric in model.metrics if not _is_compiled(metric)]
    losses = [f"{output}_loss" for output in outputs if f"{output}_loss" in names]
    compiled = [
        name
        for metric in model.metrics
        if _is_compiled(metric)
        for name in _by_output(_compiled_names(metric), outputs)
    ]
    others = [name for name in names if name not in losses]
    if "loss" not in others:
        return [*losses, *compiled, *others]
    after = others.index("loss") + 1
    return [*others[:after], *losses, *compiled, *others[after:]]


def values_in_order(
    method: Callable[..., Any], model: Any, args: Any, kwargs: dict[str, Any]
) -> Any:
    """Calls a method such as `evaluate` and puts its values into order; for wrapt."""
    position = list(inspect.signature(method).parameters).index("return_dict")
    if kwargs.get("return_dict") or any(args[position : position + 1]):
        return method(*args, **kwargs)
    logs = method(*args[:position], **{**kwargs, "return_dict": True})
    return _in_order(model, logs) if isinstance(logs, Mapping) else logs


def evaluate_in_order(model: Any) -> Callable[..., Any]:
    """Returns the model's `evaluate`, with its values in Keras 2's order."""
    is_overridden = not str(model.evaluate.__module__).startswith("keras.")
    if is_overridden or not is_of_keras_3(model):
        return model.evaluate  # type: ignore[no-any-return]  # Keras has no types
    return wrapt.FunctionWrapper(model.evaluate, values_in_order)


def _in_order(model: Any, logs: Mapping[str, Any]) -> Any:
    """Returns a list of the values, or the only one."""
    names = metrics_names(model)
    known = [name for name in names if name in logs]
    values = [logs[name] for name in (*known, *sorted(set(logs) - set(names)))]
    return values[0] if len(values) == 1 else values


def _is_compiled(metric: Any) -> bool:
    return type(metric).__name__ == _COMPILED


def _compiled_names(metric: Any) -> list[str]:
    if not metric.built:
        return []
    if metric not in _names_of:
        _names_of[metric] = list(metric.result())
    return _names_of[metric]


def _output_names(model: Any) -> list[str]:
    outputs = getattr(model, "output", None) if model.built else None
    if isinstance(outputs, dict):
        return sorted(outputs)
    return list(getattr(model, "output_names", None) or [])


def _by_output(names: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Returns the names sorted by the output that they begin with, else as they are."""

    def output_of(name: str) -> int:
        fitting = [output for output in outputs if name.startswith(f"{output}_")]
        return outputs.index(max(fitting, key=len)) if fitting else -1

    return sorted(names, key=output_of) if len(outputs) > 1 else list(names)
