"""Which settings of libraries the workers get, each by the library that has it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Callable, NamedTuple

import wrapt


class Setting(NamedTuple):
    """A setting that is not a module's global, or that is none to be copied as such.

    Attributes:
        library: The module that has it; it is taken and set only where that is loaded.
        take: Called with the module; returns a value that pickles.
        apply: Called with the module and the value; does nothing where it is set so.
        is_of_thread: Whether each thread has its own. It is taken in the thread that
            makes the dataset.
        comes_last: Whether it is set after the source was loaded.
    """

    library: str
    take: Callable[[Any], Any]
    apply: Callable[[Any, Any], object]
    is_of_thread: bool = False
    comes_last: bool = False


_settings: dict[str, Setting] = {}
_wanted: dict[str, Any] = {}


def register_setting(name: str, setting: Setting) -> None:
    """Has workers get a setting that the parent has."""
    _settings[name] = setting


def take_settings(*, of_thread: bool) -> dict[str, Any]:
    """Returns the settings of the process, or those of this thread, by name."""
    values = {}
    for name, setting in _settings.items():
        if setting.is_of_thread == of_thread and setting.library in sys.modules:
            # Without what is asked, it is a folder of this name and not the library.
            with contextlib.suppress(AttributeError):
                values[name] = setting.take(sys.modules[setting.library])
    return values


def apply_settings(values: Mapping[str, Any], *, last: bool = False) -> None:
    """Sets what was taken, also in libraries that are loaded later.

    Args:
        values: By name.
        last: Whether to set those that come last, or the others.
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
