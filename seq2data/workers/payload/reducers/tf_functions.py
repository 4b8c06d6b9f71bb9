"""Functions made by `tf.function`: made again from the Python function.

Their traces cannot be sent. A worker traces a function at the first call.
"""

from __future__ import annotations

import functools
from typing import Any, Callable

import wrapt

from seq2data.workers.payload.registry import Recipe, register

# In TensorFlow 2.10, and in later versions.
_MODULES = (
    "tensorflow.python.eager.def_function",
    "tensorflow.python.eager.polymorphic_function.polymorphic_function",
)


def _reduce(make: Callable[..., Any], value: Any) -> Recipe:
    settings = {
        "input_signature": value.input_signature,
        "autograph": value._autograph,
        "jit_compile": value._jit_compile,
    }
    return functools.partial(make, **settings), (value.python_function,)


def _register(module: Any) -> None:
    if hasattr(module, "Function"):
        register(module.Function, functools.partial(_reduce, module.function))


for _name in _MODULES:
    wrapt.register_post_import_hook(_register, _name)
