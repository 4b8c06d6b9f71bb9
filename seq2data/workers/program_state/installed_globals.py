"""Sends what the program has set in installed modules.

Examples are `ImageFile.LOAD_TRUNCATED_IMAGES = True` and `np.load = my_load`. The
modules are those that the user's code has under a name, and their public submodules.
Two kinds of values are sent: the user's functions and classes, and plain values. A
plain value that a function of the module sets is the library's own state, and is not
sent. A worker compares the values with those of its import.

Values in a library's containers and objects are not found, nor names that begin with an
underscore; `settings` has those that are known.
"""

from __future__ import annotations

import dis
import functools
import operator
import pickle
import sys
import threading
from collections.abc import Iterator
from itertools import chain
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from seq2data.source.user_modules import is_installed, is_users_module, users_modules
from seq2data.workers.program_state.reach import names_in

# The deepest change seen in programs is `pd.core.common.is_list_like = ...`.
_DEEPEST = 2
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_SETS_GLOBAL = frozenset(dis.opmap[n] for n in ("STORE_GLOBAL", "DELETE_GLOBAL"))


class Place(NamedTuple):
    """A value in an installed module.

    Attributes:
        module: The name of the module.
        qualname: The qualified name of a class in it, "" for the module itself.
        name: The name of the value.
    """

    module: str
    qualname: str
    name: str


class InstalledGlobals:
    """Reads what was set in installed modules; there is one for the program.

    The first `take` needs a tenth of a second. Later ones look only for changes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # no user code runs under it
        self._num_modules = -1
        self._modules: list[ModuleType] = []
        self._all_before: list[Any] = []  # the values of all modules
        self._before: dict[int, list[Any]] = {}  # by the id of their module or class
        self._values: dict[str, dict[str, Any]] = {}
        self._patches: dict[tuple[str, str], dict[Place, Any]] = {}
        self._pickled_values = pickle.dumps(self._values, 5)

    def take(self, *, classes: bool) -> tuple[bytes, dict[Place, Any]]:
        """Returns the plain values, pickled by module and name, and the user's code.

        Args:
            classes: True to look for changes in the modules' classes, too, which takes
                some milliseconds.
        """
        with self._lock:
            if len(sys.modules) != self._num_modules:
                self._num_modules = len(sys.modules)
                self._modules = candidates()
            changed = self._changed_modules()
            for module in changed:
                self._values[module.__name__] = _plain_values(module)
                self._look_for_patches(module, "", module)
            if changed:
                self._pickled_values = pickle.dumps(self._values, 5)
            for module in self._modules if classes else ():
                for name, kind in _classes_in(module):
                    if self._has_changed(kind):
                        self._look_for_patches(module, name, kind)
            patches: dict[Place, Any] = {}
            for found in self._patches.values():
                patches.update(found)
            return self._pickled_values, patches

    def _changed_modules(self) -> list[ModuleType]:
        now = list(chain.from_iterable(vars(m).values() for m in self._modules))
        if _are_identical(now, self._all_before):
            return []
        self._all_before = now
        return [module for module in self._modules if self._has_changed(module)]

    def _has_changed(self, owner: Any) -> bool:
        now, before = list(vars(owner).values()), self._before.get(id(owner))
        if before is not None and _are_identical(now, before):
            return False
        self._before[id(owner)] = now
        return True

    def _look_for_patches(self, module: ModuleType, qualname: str, owner: Any) -> None:
        found = {
            Place(module.__name__, qualname, name): value
            for name, value in list(vars(owner).items())
            if _is_users_code(_under(value)) or _is_partial_of(value, name)
        }
        if found:
            self._patches[module.__name__, qualname] = found
        else:
            self._patches.pop((module.__name__, qualname), None)


def _are_identical(ones: list[Any], others: list[Any]) -> bool:
    return len(ones) == len(others) and all(map(operator.is_, ones, others))


installed_globals = InstalledGlobals()


def candidates() -> list[ModuleType]:
    """Returns the installed modules that the user's code can set something in."""
    found: dict[str, ModuleType] = {}
    for module in _named_by_user():
        _add_with_children(module, found)
    return list(found.values())


def _named_by_user() -> Iterator[ModuleType]:
    """Yields modules that the user's code has as globals, or imports in functions."""
    for module in [sys.modules["__main__"], *users_modules().values()]:
        for value in list(vars(module).values()):
            if isinstance(value, ModuleType):
                yield value
            for function in _functions_of(value, module.__name__):
                names = names_in(function.__code__)
                tops = [name for name in names if name in sys.modules]
                yield from (sys.modules[top] for top in tops)
                paths = (f"{top}.{name}" for top in tops for name in names)
                yield from (sys.modules[path] for path in paths if path in sys.modules)


def _functions_of(value: Any, home: str) -> Iterator[FunctionType]:
    """Yields a function, or the functions in a class, that a module defines itself."""
    if type(value) is FunctionType and value.__module__ == home:
        yield value
    elif issubclass(type(value), type) and vars(value).get("__module__") == home:
        for part in map(_under, list(vars(value).values())):
            if type(part) is FunctionType:
                yield part


def _under(value: Any) -> Any:
    """Returns the function under a static or class method."""
    return value.__func__ if type(value) in (staticmethod, classmethod) else value


def _add_with_children(
    module: Any, found: dict[str, ModuleType], depth: int = 0
) -> None:
    """Adds an installed module and the public modules in it."""
    if type(module) is not ModuleType or depth > _DEEPEST:
        return
    name = module.__name__
    if name in found or sys.modules.get(name) is not module or not is_installed(module):
        return
    found[name] = module
    for key, value in list(vars(module).items()):
        is_public = type(value) is ModuleType and not key.startswith("_")
        if is_public and value.__name__.startswith(f"{name}."):
            _add_with_children(value, found, depth + 1)


def _plain_values(module: ModuleType) -> dict[str, Any]:
    """Returns the public plain values that no function of the module sets."""
    values = {
        name: value
        for name, value in list(vars(module).items())
        if type(value) in _PLAIN and not name.startswith("_")
    }
    codes = (
        function.__code__
        for value in list(vars(module).values())
        for function in _functions_of(value, module.__name__)
    )
    for code in codes:
        if not values.keys().isdisjoint(names_in(code)):
            for name in _stored_by(code):
                values.pop(name, None)
    return values


def _classes_in(module: ModuleType) -> Iterator[tuple[str, type]]:
    """Yields the classes that a module has and that it or its submodules define."""
    home = module.__name__
    for name, value in list(vars(module).items()):
        if issubclass(type(value), type):
            defined_in = vars(value).get("__module__")
            if defined_in == home or str(defined_in).startswith(f"{home}."):
                yield name, value


def _is_users_code(value: Any) -> bool:
    if type(value) is FunctionType:
        return is_users_module(value.__globals__.get("__name__"))
    if issubclass(type(value), type):
        return is_users_module(vars(value).get("__module__"))
    return False


def _is_partial_of(value: Any, name: str) -> bool:
    """True for `np.load = functools.partial(np.load, allow_pickle=True)`."""
    is_partial = type(value) is functools.partial
    return is_partial and getattr(value.func, "__name__", None) == name


def _stored_by(code: CodeType) -> Iterator[str]:
    # To disassemble all code would take a second.
    if not _SETS_GLOBAL.isdisjoint(code.co_code[::2]):
        for instruction in dis.get_instructions(code):
            if instruction.opcode in _SETS_GLOBAL:
                yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _stored_by(constant)
