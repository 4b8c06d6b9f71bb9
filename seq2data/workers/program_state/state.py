"""Reads what the program has set, for the workers of one dataset.

A worker that is forked from the training process would have it. Workers of seq2data
come from a clean process, so it is sent to them before the source:

    settings            settings that libraries keep out of their globals
    installed_globals   what was set in installed modules
    user_globals        globals of the user's modules, each made ready by a form of
                        `function_state`, `replaced` or `plain_values`
    reach               the globals that the source's code refers to
    module_source       what the import of a module makes, from its text
    importable          modules that a worker can import
    restore             sets all this in a worker
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any, Callable, Optional

from seq2data.workers.program_state.installed_globals import (
    Place,
    installed_globals,
)
from seq2data.workers.program_state.module_source import ModuleSource
from seq2data.workers.program_state.reach import Reach
from seq2data.workers.program_state.restore import (
    RestoredInstalled,
    RestoredModules,
    RestoredSettings,
)
from seq2data.workers.program_state.settings import take_settings
from seq2data.workers.program_state.user_globals import UserGlobals

Dumps = Callable[[Any], bytes]


class ProgramState:
    """Reads the state for each version of a dataset's source.

    Settings that each thread has for itself are those of the thread that makes this.

    Args:
        dumps: Pickles a value in the way the source is pickled.
    """

    def __init__(self, dumps: Dumps) -> None:
        self._dumps = dumps
        self._reach = Reach()
        self._user = UserGlobals()
        self._of_thread = take_settings(of_thread=True)
        self._is_first = True
        self._left_out_settings: set[str] = set()
        self._left_out_patches: set[Place] = set()

    def add_code(self, code: Iterable[Any]) -> bool:
        """Adds the user's code that was pickled with the source.

        Returns:
            True if the code refers to more globals: `take` returns more then.
        """
        return self._reach.extend(code)

    def take(self) -> tuple[Any, Any, Any]:
        """Returns the settings, the globals, and the settings that come last.

        A worker unpickles the first two before the source and the third after it.
        """
        values = self._settings()
        modules = RestoredModules(self._user.take(self._reach))
        return (
            RestoredSettings(values, last=False),
            (self._installed_parts(), modules),
            RestoredSettings(values, last=True),
        )

    def _settings(self) -> dict[str, Any]:
        values = {**take_settings(of_thread=False), **self._of_thread}
        for name in self._left_out_settings:
            values.pop(name, None)
        return values

    def _installed_parts(self) -> RestoredInstalled:
        values, patches = installed_globals.take(classes=self._is_first)
        self._is_first = False
        pickled = {}
        for place, value in patches.items():
            if place in self._left_out_patches:
                continue
            try:
                pickled[place] = self._dumps(value)
            except Exception as error:  # noqa: BLE001  # whatever pickling it raises
                self._left_out_patches.add(place)
                _warn(".".join(filter(None, place)), value, error)
        return RestoredInstalled(values, pickled)

    def leave_out(self) -> bool:
        """Leaves out what cannot be pickled.

        Returns:
            True if there was such a value.
        """
        count = 0
        for name, value in self._settings().items():
            if self._error_of(value) is not None:
                self._left_out_settings.add(name)
                count += 1
        for values in self._user.take(self._reach):
            for name, value in values.values.items():
                error = self._error_of(value)
                if error is None:
                    continue
                count += 1
                self._user.leave_out(values, name)
                if not (values.qualname or ModuleSource.of(values.module).makes(name)):
                    _warn(f"{values.module}.{name}", value, error)
        return count > 0

    def _error_of(self, value: Any) -> Any:
        try:
            self._dumps(value)
        except Exception as error:  # noqa: BLE001  # whatever pickling it raises
            return error
        return None


def _warn(place: str, value: Any, error: Exception) -> None:
    kind = type(value)
    warnings.warn(
        f"`{place}`, a `{kind.__module__}.{kind.__qualname__}`, was set by the program "
        f"and cannot be sent to worker processes ({error}): they use the value that "
        "the import of the module gives. Set it in the module itself or in "
        "`__getitem__` of the source, register how it is made with "
        "`seq2data.register_reducer`, or pass `use_multiprocessing=False` to read in "
        "threads",
        RuntimeWarning,
        stacklevel=_frames_to_user(),
    )


def _frames_to_user() -> int:
    """Returns the stack level of the user's line, for a warning by the caller of this.

    There may be frames of the standard library between those of seq2data.
    """
    level, found = 0, 1
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None:
        level += 1
        if _is_ours(frame.f_globals.get("__name__")):
            found = level + 1
        frame = frame.f_back
    return found


def _is_ours(module: Any) -> bool:
    return str(module).partition(".")[0] == "seq2data"
