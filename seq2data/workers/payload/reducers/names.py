"""What pickles itself as a name: taken apart where a worker finds no such name.

A cached function, a type variable or a constant of the user's says `load`, and pickle
adds the module. In `__main__`, in a module that no worker can import, and where another
object has the name by now, a worker would find nothing, or something else.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any, Callable, Optional

import cloudpickle

from seq2data.workers.payload.by_value import is_found_in_workers
from seq2data.workers.payload.reducers.instances import made_anew
from seq2data.workers.payload.registry import Recipe

_parts: dict[type, Callable[[Any], tuple[Any, ...]]] = {}
_places: dict[type, tuple[str, str]] = {}


def register_parts(kind: type, reducer: Callable[[Any], tuple[Any, ...]]) -> None:
    """Tells how objects of a type are taken apart; `__reduce__`'s, without names."""
    _parts[kind] = reducer


def register_place(kind: type, module: str, name: str) -> None:
    """Tells where a class is that says that it is elsewhere."""
    _places[kind] = module, name


def place_of(kind: type) -> Optional[Recipe]:
    """Returns a recipe for a class with a registered place, None for another."""
    module, name = _places.get(kind, ("", ""))
    return (_find, (module, name)) if name else None


def _find(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def name_of(value: Any) -> str:
    """Returns the name that an object says it has, "" if it has none."""
    return getattr(value, "__qualname__", "")


def is_found(value: Any, name: str) -> bool:
    """True if a worker finds an object of this process under the name."""
    if not name:
        return False
    module = getattr(value, "__module__", None)
    if not isinstance(module, str):
        return True  # pickle looks into all modules
    if not is_found_in_workers(module) or _is_sent_by_value(module):
        return False
    try:
        found = functools.reduce(getattr, name.split("."), sys.modules[module])
    except AttributeError:
        return False
    return found is value


def _is_sent_by_value(module: str) -> bool:
    """True if the user has told cloudpickle so of it, or of a package that has it."""
    names = cloudpickle.list_registry_pickle_by_value()
    return any(module == name or module.startswith(f"{name}.") for name in names)


def parts_of(value: Any) -> Optional[tuple[Any, ...]]:
    """Returns how a worker makes an object without its name, None if it cannot."""
    for base in type(value).__mro__:
        if base in _parts:
            return _parts[base](value)
    return made_anew(value)
