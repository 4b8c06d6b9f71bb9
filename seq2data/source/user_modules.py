"""Tells which modules are the user's own: all that are not installed.

Programs change these modules and set their globals, so the globals are sent to the
workers. The standard library and installed packages are the same in every process.
"""

from __future__ import annotations

import functools
import os
import sys
import sysconfig
from types import ModuleType
from typing import Optional

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_OURS = "seq2data"
_STANDARD_LIBRARY = tuple(
    os.path.join(os.path.realpath(sysconfig.get_path(name)), "")
    for name in ("stdlib", "platstdlib")
)


def is_users_own(module: ModuleType) -> bool:
    """True if a module is neither installed, nor Python's, nor seq2data's.

    A `__main__` without a file, as in a notebook, is the user's.
    """
    name = module.__name__
    if name == "__main__":
        return True
    if name.partition(".")[0] == _OURS:
        return False
    file = getattr(module, "__file__", None)
    places = [file] if isinstance(file, str) else list(getattr(module, "__path__", ()))
    return bool(places) and all(map(_is_users_place, places))


def is_users_module(name: Optional[str]) -> bool:
    """True if a module of this name is loaded and is the user's own."""
    module = None if name is None else sys.modules.get(name)
    return isinstance(module, ModuleType) and is_users_own(module)


def is_installed(module: ModuleType) -> bool:
    """True if a module of Python code is neither the user's own nor seq2data's."""
    name, file = module.__name__, getattr(module, "__file__", None)
    if name == "__main__" or name.partition(".")[0] == _OURS:
        return False
    return isinstance(file, str) and file.endswith(".py") and not _is_users_place(file)


def users_modules() -> dict[str, ModuleType]:
    """Returns the user's loaded modules by name, without `__main__`."""
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name not in ("__main__", "__mp_main__") and is_users_module(name)
    }


@functools.cache
def _is_users_place(place: str) -> bool:
    path = os.path.realpath(place)
    if _INSTALLED.intersection(path.split(os.sep)):
        return False
    return not path.startswith(_STANDARD_LIBRARY)
