"""Modules that are patched as soon as they are imported, for a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Callable

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


class Attributes:
    """Sets attributes and takes them back."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Sets one, of a class or a module."""
        self._before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, value)

    def is_set_on(self, owner: Any) -> bool:
        """Whether any attribute of `owner` is ours."""
        return any(each is owner for each, *_ in self._before)

    def restore(self) -> None:
        """Takes all back, the newest first."""
        while self._before:
            owner, name, value = self._before.pop()
            delattr(owner, name)
            if value is not None:
                setattr(owner, name, value)
