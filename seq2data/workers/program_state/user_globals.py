"""Sends the globals of the user's modules to the workers.

A worker imports a module and has the globals of that import. The program may have set
others: `config.DATA_DIR = args.dir`. Of each module that the source needs, all plain
values are sent, and of the other values those that the source's code refers to. What
import makes itself is not sent: functions and classes under their own names, locks.
"""

from __future__ import annotations

import operator
import pickle
import sys
import threading
from collections.abc import Collection
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, Optional

from seq2data.source.user_modules import is_users_module
from seq2data.workers.program_state.function_state import (
    FunctionState,
    is_single_dispatch,
)
from seq2data.workers.program_state.importable import is_importable
from seq2data.workers.program_state.module_source import ModuleSource
from seq2data.workers.program_state.plain_values import is_changeable, is_plain, is_sent
from seq2data.workers.program_state.reach import Reach
from seq2data.workers.program_state.replaced import ByCode, Reference

_LARGE_BYTES = 1 << 20
# Import makes these, and a new one serves as well.
_MADE_BY_IMPORT = (
    type(threading.Lock()),
    type(threading.RLock()),
    threading.Condition,
    threading.Semaphore,
    threading.local,
    threading.Thread,
)
# Names that Python itself, `abc` and `dataclasses` set.
_PRIVATE = ("__", "_abc_")


class Values(NamedTuple):
    """The values of one module, or of one class in it.

    Attributes:
        module: The name of the module.
        qualname: The qualified name of the class, "" for the module itself.
        values: The values by name.
    """

    module: str
    qualname: str
    values: dict[str, Any]


class LargeBytes:
    """Bytes that are sent outside of the pickle, as large arrays are."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __reduce__(self) -> Any:
        return bytes, (pickle.PickleBuffer(self._data),)


class Owner:
    """A module or class whose values are sent.

    Args:
        module: The name of the module.
        qualname: The qualified name of the class, "" for the module itself.
        namespace: The module or the class.
    """

    def __init__(self, module: str, qualname: str, namespace: Any) -> None:
        self.module = module
        self.qualname = qualname
        self.namespace = namespace
        self._before: list[Any] = []
        self._referred = 0
        self._forms: dict[str, Any] = {}

    def place(self, name: str) -> str:
        """Returns the qualified name of a value."""
        return f"{self.qualname}.{name}" if self.qualname else name

    def take(self, referred: Collection[str]) -> dict[str, Any]:
        """Returns what is sent of the values as they are now.

        Args:
            referred: The names in the source's code; no call has fewer than the last.
        """
        present = vars(self.namespace)
        now = list(present.values())
        is_same = len(now) == len(self._before) and all(
            map(operator.is_, now, self._before)
        )
        if not is_same or len(referred) != self._referred:
            self._before, self._referred = now, len(referred)
            self._forms = {
                name: form
                for name, value in list(present.items())
                if not name.startswith(_PRIVATE)
                and (form := self._form(name, value, referred)) is not None
            }
        return {
            name: _filled(form, present[name]) for name, form in self._forms.items()
        }

    def _form(self, name: str, value: Any, referred: Collection[str]) -> Any:
        """Returns the form in which a value is sent, None if import makes it."""
        kind: Any = type(value)  # `isinstance` would call code of a proxy
        if kind is FunctionType or issubclass(kind, type):
            return self._form_of_code(name, value)
        code = value.__func__ if kind in (staticmethod, classmethod) else value
        if type(code) is FunctionType:
            form = self._form_of_code(name, code)
            if isinstance(form, ByCode):
                return kind(form)
            return form if form in (None, _STATE) else _ITSELF
        if issubclass(kind, ModuleType):
            return _form_of_module(value) if name in referred else None
        is_descriptor = self.qualname and hasattr(kind, "__get__")
        if is_descriptor:
            return _ITSELF if self._is_of_another_name(name, code) else None
        if issubclass(kind, _MADE_BY_IMPORT):
            return None
        return _ITSELF if name in referred or is_plain(value) else None

    def _is_of_another_name(self, name: str, wrapper: Any) -> bool:
        """True if a wrapper has the name of another function of the user's.

        Then the program has put it there, or import gives the same.
        """
        module = getattr(wrapper, "__module__", None)
        qualname = getattr(wrapper, "__qualname__", None)
        is_code = isinstance(qualname, str) and is_users_module(module)
        return is_code and (module, qualname) != (self.module, self.place(name))

    def _form_of_code(self, name: str, value: Any) -> Any:
        place = self.place(name)
        if (value.__module__, value.__qualname__) != (self.module, place):
            return Reference.to(value) or _ITSELF
        if isinstance(value, type):
            return None
        home = value.__globals__.get("__name__")
        if is_single_dispatch(value):
            return _STATE
        if home == self.module:
            return None if FunctionState.of(value, is_changeable).is_empty else _STATE
        is_decorated = ModuleSource.of(self.module).num_decorators(place)
        if home != "__main__" and _num_wrapped(value) <= is_decorated:
            return None
        return ByCode(value)


# The forms of a value: the value itself, or what a function holds.
_ITSELF: Any = object()
_STATE: Any = object()


def _filled(form: Any, value: Any) -> Any:
    """Returns what is sent of a value in its form."""
    if form is _STATE:
        return FunctionState.of(getattr(value, "__func__", value), is_sent)
    if type(value) is bytes and len(value) >= _LARGE_BYTES:
        return LargeBytes(value)
    return value if form is _ITSELF else form


def _form_of_module(module: ModuleType) -> Any:
    is_found = not is_users_module(module.__name__) or is_importable(module.__name__)
    return (Reference.to(module) if is_found else None) or _ITSELF


def _num_wrapped(function: Any) -> int:
    """Returns how many decorators a function has, one at least.

    Those that set no `__wrapped__` are not counted.
    """
    count = 0
    while (function := getattr(function, "__wrapped__", None)) is not None:
        count += 1
    return max(count, 1)


class UserGlobals:
    """Reads the values of the modules that the source of one dataset needs."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], Owner] = {}
        self._needed: list[str] = []
        self._needed_for = (-1, -1)
        self._left_out: set[tuple[str, str]] = set()

    def take(self, reach: Reach) -> list[Values]:
        """Returns the values as they are now, those of modules first.

        Args:
            reach: What the source's code refers to.
        """
        return [
            Values(owner.module, owner.qualname, self._values_of(owner, referred))
            for owner, referred in self._owners_for(reach)
        ]

    def _values_of(self, owner: Owner, referred: Collection[str]) -> dict[str, Any]:
        values = owner.take(referred)
        if not self._left_out:
            return values
        return {
            name: value
            for name, value in values.items()
            if (owner.module, owner.place(name)) not in self._left_out
        }

    def leave_out(self, values: Values, name: str) -> None:
        """Leaves a value out from now on: it cannot be sent."""
        owner = self._owners[values.module, values.qualname]
        self._left_out.add((owner.module, owner.place(name)))

    def _owners_for(self, reach: Reach) -> list[tuple[Owner, Collection[str]]]:
        """Returns the owners with the names in the code that may be theirs."""
        owned: list[tuple[Owner, Collection[str]]] = []
        needed_for = len(reach.modules), len(sys.modules)
        if needed_for != self._needed_for:
            self._needed, self._needed_for = needed_modules(reach), needed_for
        for name in self._needed:
            owner = self._owner(name, "", sys.modules[name])
            owned.append((owner, reach.names.get(name, ())))
        for kind in reach.classes:
            is_enum = issubclass(kind, Enum)  # its members cannot be set
            if is_enum or kind.__module__ not in self._needed:
                continue
            if Reference.to(kind) is not None:
                owner = self._owner(kind.__module__, kind.__qualname__, kind)
                owned.append((owner, reach.attributes))
        return owned

    def _owner(self, module: str, qualname: str, namespace: Any) -> Owner:
        key = (module, qualname)
        owner = self._owners.get(key)
        if owner is None or owner.namespace is not namespace:
            owner = self._owners[key] = Owner(module, qualname, namespace)
        return owner


def needed_modules(reach: Reach) -> list[str]:
    """Returns the user's modules of the source's code, and those that they import.

    They are in the order in which the program has imported them.
    """
    found: set[str] = set()
    pending: list[Optional[str]] = list(reach.modules)
    while pending:
        name = pending.pop()
        if name in found or name is None or not is_users_module(name):
            continue
        if name == "__main__" or not _is_importable(name):
            continue
        found.add(name)
        pending.append(name.rpartition(".")[0])
        homes = map(_home, list(vars(sys.modules[name]).values()))
        # A submodule is an attribute of its package, also if other code imports it.
        inside = f"{name}."
        pending += [home for home in homes if home and not home.startswith(inside)]
    return [name for name in list(sys.modules) if name in found]


def _is_importable(name: str) -> bool:
    """True if a worker can import a module and the packages that it is in."""
    parts = name.split(".")
    packages = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return all(part in sys.modules and is_importable(part) for part in packages)


def _home(value: Any) -> Optional[str]:
    """Returns the name of the module that a value is, or is defined in."""
    kind = type(value)
    if issubclass(kind, ModuleType):
        return str(value.__name__)
    is_code = kind is FunctionType or issubclass(kind, type)
    # An object that is not found under its name is sent without its module.
    is_found = is_code and Reference.to(value) is not None
    return value.__module__ if is_found else None
