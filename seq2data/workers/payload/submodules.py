"""Makes cloudpickle look for the submodules that a function uses only once.

cloudpickle goes through all of `sys.modules` for every function of `__main__` that it
pickles. With TensorFlow loaded that took a quarter of the time between two epochs.
"""

from __future__ import annotations

import functools
import sys
from types import CodeType, ModuleType
from typing import Any, Callable

import cloudpickle
import wrapt


def _find(
    find: Callable[..., list[ModuleType]],
    _: object,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[ModuleType]:
    code, values = (*args, *kwargs.values())
    modules = tuple(value for value in values if isinstance(value, ModuleType))
    return find_once(find, code, modules, len(sys.modules))


@functools.lru_cache
def find_once(
    find: Callable[..., list[ModuleType]],
    code: CodeType,
    modules: tuple[ModuleType, ...],
    _: int,
) -> list[ModuleType]:
    """Calls cloudpickle's search, once for each code and number of loaded modules."""
    return find(code, modules)


if hasattr(cloudpickle.cloudpickle, "_find_imported_submodules"):
    wrapt.wrap_function_wrapper(
        "cloudpickle.cloudpickle", "_find_imported_submodules", _find
    )
