"""Tells the user's own modules from those that come with Python or were installed."""

from __future__ import annotations

import functools
import os
import sysconfig
from types import ModuleType

_INSTALLED = ("site-packages", "dist-packages")


def is_users_own(module: ModuleType) -> bool:
    """Whether a module is neither installed, nor Python's, nor seq2data's."""
    name = module.__name__
    if name.partition(".")[0] == "seq2data":
        return False
    file = getattr(module, "__file__", None)
    places = [file] if file else [*getattr(module, "__path__", ())]
    if not places:  # of C or frozen; a notebook or the interactive interpreter
        return name == "__main__"
    return not any(map(_is_installed, places))


@functools.lru_cache(None)
def _is_installed(place: str) -> bool:
    place = os.path.realpath(place)
    return any(name in place.split(os.sep) for name in _INSTALLED) or any(
        place.startswith(folder + os.sep) for folder in _standard_library()
    )


@functools.lru_cache(None)
def _standard_library() -> set[str]:
    names = ("stdlib", "platstdlib")
    return {os.path.realpath(sysconfig.get_path(name)) for name in names}
