"""Tells which modules of this process a worker can import."""

from __future__ import annotations

import functools
import sys
from typing import Optional

_never_imported: set[str] = set()


def forbid_import(name: str) -> None:
    """Makes a module count as one that no worker can import."""
    _never_imported.add(name)


def is_import_forbidden(name: str) -> bool:
    """True if `forbid_import` was called with the name of a module."""
    return name in _never_imported


def is_found_in_workers(name: str) -> bool:
    """True if a worker that imports a module of this name gets the one loaded here."""
    if name == "__main__" or name not in sys.modules or is_import_forbidden(name):
        return False
    return is_importable(name.partition(".")[0])


def is_importable(name: str) -> bool:
    """True if a new interpreter with this `sys.path` imports the same module."""
    if is_import_forbidden(name):
        return False
    module = sys.modules[name]
    if "__builtins__" not in vars(module):  # written in C: it has no code to send
        return True
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None)
    package, _, _ = name.rpartition(".")
    if not package:
        return _is_found(name, origin, None, tuple(sys.path))
    folders = getattr(sys.modules.get(package), "__path__", None)
    return folders is not None and _is_found(name, origin, tuple(folders), ())


@functools.lru_cache
def _is_found(
    name: str,
    origin: Optional[str],
    folders: Optional[tuple[str, ...]],
    _: tuple[str, ...],
) -> bool:
    # `importlib.util.find_spec` would only look into `sys.modules`.
    for finder in sys.meta_path:
        if hasattr(finder, "find_spec"):
            spec = finder.find_spec(name, folders)
            if spec is not None:
                return origin is None or spec.origin == origin
    return False
