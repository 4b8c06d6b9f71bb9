"""Attributes that are set on classes and modules for a time."""

from __future__ import annotations

from typing import Any


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
