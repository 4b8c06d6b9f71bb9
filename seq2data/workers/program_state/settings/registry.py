"""Registers the settings of libraries that workers get."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Callable, NamedTuple

import wrapt


class Setting(NamedTuple):
    """A setting that is not a module's global, or one that must not be copied as such.

    Attributes:
        library: The module that has it. The setting is read and applied only where the
            module is loaded.
        take: Called with the module; returns a value that pickles.
        apply: Called with the module and the value; does nothing if it has the value.
        is_of_thread: True if each thread has its own. The thread that makes the dataset
            takes it.
        comes_last: True if it is applied after the source was loaded.
    """

    library: str
    take: Callable[[Any], Any]
    apply: Callable[[Any, Any], object]
    is_of_thread: bool = False
    comes_last: bool = False


_settings: dict[str, Setting] = {}
_wanted: dict[str, Any] = {}


def register_setting(name: str, setting: Setting) -> None:
    """Adds a setting to those that workers get from the parent."""
    _settings[name] = setting


def take_settings(*, of_thread: bool) -> dict[str, Any]:
    """Returns the settings of the process, or those of this thread, by name."""
    values = {}
    for name, setting in _settings.items():
        if setting.is_of_thread == of_thread and setting.library in sys.modules:
            # A folder of this name, which is not the library, lacks the attribute.
            with contextlib.suppress(AttributeError):
                values[name] = setting.take(sys.modules[setting.library])
    return values


def apply_settings(values: Mapping[str, Any], *, last: bool = False) -> None:
    """Applies settings, also to libraries that are loaded later.

    Args:
        values: The values of the settings, by name.
        last: True to apply those that come last, False for the others.
    """
    for name, value in values.items():
        setting = _settings[name]
        if setting.comes_last != last:
            continue
        is_first = name not in _wanted
        _wanted[name] = value
        if setting.library in sys.modules:
            setting.apply(sys.modules[setting.library], value)
        elif is_first:
            wrapt.register_post_import_hook(_hook(name, setting), setting.library)


def _hook(name: str, setting: Setting) -> Callable[[ModuleType], object]:
    return lambda module: setting.apply(module, _wanted[name])
