"""Objects that pickle as a name: sent by their parts if a worker lacks the name.

A cached function, a type variable or a constant of the user's is reduced to its name,
`load` for example, and pickle adds the module. A worker does not find the name in
`__main__`, or in a module that it cannot import. It finds another object if the program
has given the name to one.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any, Callable, Optional

import cloudpickle

from seq2data.workers.payload.reducers.instances import reduce_instance
from seq2data.workers.payload.registry import Recipe
from seq2data.workers.program_state.importable import is_found_in_workers

_parts: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
_places: dict[type, tuple[str, str]] = {}


def register_parts(kind: type, reducer: Callable[[Any], tuple[Any, ...]]) -> None:
    """Registers what objects of a type are reduced to where their name is not found."""
    _parts[kind] = reducer


def register_place(kind: type, module: str, name: str) -> None:
    """Registers where a class is found if its own module and name are wrong."""
    _places[kind] = module, name


def place_of(kind: type) -> Optional[Recipe]:
    """Returns the recipe of a class with a registered place, None for others."""
    module, name = _places.get(kind, ("", ""))
    return (_find, (module, name)) if name else None


def _find(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def name_of(value: Any) -> str:
    """Returns the qualified name of an object, "" if it has none."""
    return getattr(value, "__qualname__", "")


def is_found(value: Any, name: str) -> bool:
    """True if a worker finds an object under the name."""
    if not name:
        return False
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        return True  # pickle searches all modules
    if not is_found_in_workers(module) or _is_sent_by_value(module):
        return False
    try:
        found = functools.reduce(getattr, name.split("."), sys.modules[module])
    except AttributeError:
        return False
    return found is value


def _is_sent_by_value(module: str) -> bool:
    """True if the user has registered a module, or its package, with cloudpickle."""
    names = cloudpickle.list_registry_pickle_by_value()
    return any(module == name or module.startswith(f"{name}.") for name in names)


def parts_of(value: Any) -> Optional[tuple[Any, ...]]:
    """Returns what an object is reduced to without its name, None if it cannot be."""
    for base in type(value).__mro__:
        if base in _parts:
            return _parts[base](value)
    return reduce_instance(value)
