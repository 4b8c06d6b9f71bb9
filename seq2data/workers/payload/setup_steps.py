"""Lists the functions that a worker calls before it loads the source.

A function that was called in the parent, to put names back into Keras for one, must be
called in each worker, too: the worker imports the modules that the source needs, and
they may need what that function does.
"""

from __future__ import annotations

from typing import Any, Callable

_steps: list[Callable[[], object]] = []


def add_step(step: Callable[[], object]) -> None:
    """Adds a function of a module to what workers call before they load a source.

    Args:
        step: Called before each version of the source; a second call does nothing.
    """
    if step not in _steps:
        _steps.append(step)


def remove_step(step: Callable[[], object]) -> None:
    """Removes a function, for the workers that are started later."""
    if step in _steps:
        _steps.remove(step)


class SetupSteps:
    """Calls the functions when it is unpickled."""

    def __reduce__(self) -> Any:
        return _call, tuple(_steps)


def _call(*steps: Callable[[], object]) -> None:
    for step in steps:
        step()
