"""Modules that are patched as soon as they are imported, for a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Callable

import wrapt


class WhenImported:
    """Has modules patched that are or will be imported, from `begin` to `end`.

    Args:
        names: Of the modules.
        patch: Is called with each, at every `begin` or when it is imported.
    """

    def __init__(
        self, names: Sequence[str], patch: Callable[[ModuleType], object]
    ) -> None:
        self._names = names
        self._patch = patch
        self._is_on = False
        self._has_hooks = False

    def begin(self) -> None:
        """Patches those that are there, and the others later."""
        self._is_on = True
        if not self._has_hooks:  # they cannot be taken back
            self._has_hooks = True
            for name in self._names:
                wrapt.register_post_import_hook(self._imported, name)
        for name in self._names:
            if name in sys.modules:
                self._patch(sys.modules[name])

    def end(self) -> None:
        """Patches no more."""
        self._is_on = False

    def _imported(self, module: ModuleType) -> None:
        if self._is_on:
            self._patch(module)
