"""Gives modules in a worker the values that they have in the parent."""

from __future__ import annotations

import importlib
import pickle
import sys
from typing import Any

import wrapt

from seq2data.workers.program_state.installed_globals import Place
from seq2data.workers.program_state.replaced import Reference, Replacements
from seq2data.workers.program_state.settings import apply_settings
from seq2data.workers.program_state.user_globals import Values

# By the module and the qualified name of a class in it.
_replacements: dict[tuple[str, str], Replacements] = {}
# The values of installed modules, also of modules that are imported later.
_installed: dict[str, dict[Place, Any]] = {}
_hooked: set[str] = set()


class RestoredModules:
    """Restores the user's modules one by one, when it is unpickled."""

    def __init__(self, values: list[Values]) -> None:
        self._values = values

    def __reduce__(self) -> Any:
        return _do_nothing, tuple(map(_RestoredOwner, self._values))


class _RestoredOwner:
    def __init__(self, values: Values) -> None:
        self._values = values

    def __reduce__(self) -> Any:
        return restore, tuple(self._values)


class RestoredInstalled:
    """Restores what was set in installed modules, when it is unpickled.

    Args:
        values: Plain values by module and name, pickled together.
        patches: Functions and classes by place, each pickled alone.
    """

    def __init__(self, values: bytes, patches: dict[Place, bytes]) -> None:
        self._parts = values, patches

    def __reduce__(self) -> Any:
        return restore_installed, self._parts


class RestoredSettings:
    """Applies settings, when it is unpickled.

    Args:
        values: The values of the settings, by name.
        last: True to apply those that come after the source, False for the others.
    """

    def __init__(self, values: dict[str, Any], *, last: bool) -> None:
        self._parts = values, last

    def __reduce__(self) -> Any:
        return _apply_settings, self._parts


def _do_nothing(*_: None) -> None:
    """Takes the results of the owners, which have done all when they are unpickled."""


def _apply_settings(values: dict[str, Any], last: bool) -> None:
    apply_settings(values, last=last)


def restore(module: str, qualname: str, values: dict[str, Any]) -> None:
    """Imports a module and gives the values to it or to a class in it."""
    _replace(importlib.import_module(module), qualname, values)


def _replace(module: Any, qualname: str, values: dict[str, Any]) -> None:
    owner = module
    if qualname:
        owner = Reference(module.__name__, qualname).found_in(module)
    key = (module.__name__, qualname)
    replacements = _replacements.setdefault(key, Replacements())
    replacements.begin()
    for name, value in values.items():
        replacements.replace(owner, name, value)
    replacements.end()


def restore_installed(pickled: bytes, patches: dict[Place, bytes]) -> None:
    """Gives installed modules the values, at once or when they are imported."""
    values = pickle.loads(pickled)
    wanted: dict[str, dict[Place, Any]] = {
        module: {Place(module, "", name): value for name, value in plain.items()}
        for module, plain in values.items()
    }
    for place, code in patches.items():
        wanted.setdefault(place.module, {})[place] = _Pickled(code)
    _installed.update(wanted)
    for name in wanted:
        if name in sys.modules:
            _restore_installed(sys.modules[name])
        elif name not in _hooked:
            _hooked.add(name)
            wrapt.register_post_import_hook(_restore_installed, name)


class _Pickled:
    """A value that is unpickled at its use."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def load(self) -> Any:
        """Returns the value."""
        return pickle.loads(self._data)


def _restore_installed(module: Any) -> None:
    restored = [owner for owner in _replacements if owner[0] == module.__name__]
    by_owner: dict[str, dict[str, Any]] = {qualname: {} for _, qualname in restored}
    for place, value in _installed[module.__name__].items():
        loaded = value.load() if isinstance(value, _Pickled) else value
        by_owner.setdefault(place.qualname, {})[place.name] = loaded
    for qualname, values in by_owner.items():
        _replace(module, qualname, values)
