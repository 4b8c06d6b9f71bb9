"""What workers do before they load the source, because it was done in the parent.

They import the modules that the source needs anew, and those may need the same.
"""

from __future__ import annotations

from typing import Any, Callable

_steps: list[Callable[[], object]] = []


def add_step(step: Callable[[], object]) -> None:
    """Has workers call a function of a module, before anything of the source is there.

    Args:
        step: Called before each version of the source; the second time does nothing.
    """
    if step not in _steps:
        _steps.append(step)


def forget_step(step: Callable[[], object]) -> None:
    """Has workers that are started later do without."""
    if step in _steps:
        _steps.remove(step)


class SetupSteps:
    """Does the steps when it is unpickled."""

    def __reduce__(self) -> Any:
        return _prepare, tuple(_steps)


def _prepare(*steps: Callable[[], object]) -> None:
    for step in steps:
        step()
