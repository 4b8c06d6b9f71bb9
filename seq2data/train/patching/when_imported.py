"""Changes modules as soon as they are imported, and undoes the changes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Callable

import wrapt


class WhenImported:
    """Patches modules that are or will be imported, from `begin` to `end`.

    Args:
        names: The names of the modules.
        patch: Is called with each module, at every `begin` or when it is imported.
    """

    def __init__(
        self, names: Sequence[str], patch: Callable[[ModuleType], object]
    ) -> None:
        self._names = names
        self._patch = patch
        self._is_on = False
        self._has_hooks = False

    def begin(self) -> None:
        """Patches the modules that are imported now, and the others later."""
        self._is_on = True
        if not self._has_hooks:  # wrapt cannot remove a hook
            self._has_hooks = True
            for name in self._names:
                wrapt.register_post_import_hook(self._imported, name)
        for name in self._names:
            if name in sys.modules:
                self._patch(sys.modules[name])

    def end(self) -> None:
        """Stops patching."""
        self._is_on = False

    def _imported(self, module: ModuleType) -> None:
        if self._is_on:
            self._patch(module)


class AttributeChanges:
    """Sets attributes of classes and modules, and can undo that."""

    def __init__(self) -> None:
        self._before: list[tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Sets one attribute."""
        self._before.append((owner, name, vars(owner).get(name)))
        setattr(owner, name, value)

    def is_set_on(self, owner: Any) -> bool:
        """True if any attribute of `owner` was set here."""
        return any(each is owner for each, *_ in self._before)

    def undo(self) -> None:
        """Restores the values from before, the last change first."""
        while self._before:
            owner, name, value = self._before.pop()
            delattr(owner, name)
            if value is not None:
                setattr(owner, name, value)
