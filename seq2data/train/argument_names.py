"""Accepts the argument names of Keras 1, as Keras 2 does.

Source: `generator_methods_args_preprocessor` and `convert_generator_method_args` in
keras/legacy/interfaces.py of Keras 2.3.1; for `lr`, where both are given, `__init__` of
the optimizers of tf.keras 2.4.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any, Callable, TypeVar

_NAMES = {
    "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
    "max_q_size": "max_queue_size",
}

_Method = TypeVar("_Method", bound=Callable[..., Any])


def accepts_keras_1(method: _Method) -> _Method:
    """Returns the method with the old names added; each use of one is a warning."""

    @functools.wraps(method)
    def call(model: Any, generator: Any, *args: Any, **kwargs: Any) -> Any:
        for old in [name for name in kwargs if name in _NAMES]:
            new = _NAMES[old]
            if new in kwargs:
                raise TypeError(
                    f"`{old}` is Keras 1's name of `{new}`: pass only one of them"
                )
            warnings.warn(
                f"`{old}` is Keras 1's name: pass `{new}`"
                + (", a number of batches" if old == "samples_per_epoch" else ""),
                DeprecationWarning,
                stacklevel=2,
            )
            value = kwargs.pop(old)
            if old == "samples_per_epoch" and hasattr(generator, "batch_size"):
                value = max(1, value // generator.batch_size)
            kwargs[new] = value
        return method(model, generator, *args, **kwargs)

    return call  # type: ignore[return-value]  # a wrapper of any signature


def accepts_lr(
    init: Callable[..., Any], _: object, args: Any, kwargs: dict[str, Any]
) -> Any:
    """Calls `__init__` of a Keras 3 optimizer and accepts `lr`; for wrapt."""
    if "lr" in kwargs:
        warnings.warn(
            "`lr` is Keras 1's name: pass `learning_rate`",
            DeprecationWarning,
            stacklevel=3,  # the line that calls the subclass
        )
        rate = kwargs.pop("lr")
        if args:
            args = (rate, *args[1:])
        else:
            kwargs["learning_rate"] = rate
    return init(*args, **kwargs)
