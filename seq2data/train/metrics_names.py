"""The values of `evaluate` in the order of Keras 2, and their names.

Keras 2 had the loss, the loss of each output, then output by output the metrics and the
weighted metrics, then what the model and its layers have of their own. Keras 3 calls
all of `metrics=` by one name, sorts those of several outputs by their names, and
returns a metric twice if a weighted one has its name.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import wrapt

from seq2data.train.sizes import is_of_keras_3

# What Keras 3 makes of `metrics=` and `weighted_metrics=` is one metric of this class.
_COMPILED = "CompileMetrics"

# By that metric, once it is built: asking it for its names computes all its values.
_names_of: weakref.WeakKeyDictionary[Any, list[str]] = weakref.WeakKeyDictionary()


def metrics_names(model: Any) -> list[str]:
    """Keras 2's names of a Keras 3 model's losses and metrics, in Keras 2's order.

    Those of `metrics=` are known from the first batch on.
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
    """Calls `evaluate` or its kin, whose values come in that order; for wrapt."""
    position = list(inspect.signature(method).parameters).index("return_dict")
    if kwargs.get("return_dict") or any(args[position : position + 1]):
        return method(*args, **kwargs)
    logs = method(*args[:position], **{**kwargs, "return_dict": True})
    return _in_order(model, logs) if isinstance(logs, Mapping) else logs


def evaluate_in_order(model: Any) -> Callable[..., Any]:
    """The model's `evaluate`; that of Keras 3 gives its values in Keras 2's order."""
    is_kerass_own = str(model.evaluate.__module__).startswith("keras.")
    if not (is_kerass_own and is_of_keras_3(model)):
        return model.evaluate  # type: ignore[no-any-return]  # Keras has no types
    return wrapt.FunctionWrapper(model.evaluate, values_in_order)


def _in_order(model: Any, logs: Mapping[str, Any]) -> Any:
    """A list of the values, or the only one."""
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
    """Sorted by the outputs that the names begin with; the rest as it is."""

    def output_of(name: str) -> int:
        fitting = [output for output in outputs if name.startswith(f"{output}_")]
        return outputs.index(max(fitting, key=len)) if fitting else -1

    return sorted(names, key=output_of) if len(outputs) > 1 else list(names)
