"""Finds the globals of the user's modules that a source's code refers to.

It reads code without running it. A name counts as referred to if a function that the
source can reach uses it, as a global or as an attribute. So it finds too many names
rather than too few. It does not find `getattr(module, name)` with a computed name.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterable
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from seq2data.source.user_modules import is_users_module
from seq2data.workers.program_state.function_state import contents_of
from seq2data.workers.program_state.replaced import Reference

# A table of more functions than this is data.
_MOST_ITEMS = 1000
_CONTAINERS = (dict, list, tuple, set, frozenset)
# Objects of these libraries hold functions, in the attributes of `_HELD_AS`.
_HOLDERS = ("builtins", "functools", "wrapt")
_NAMES = ("__module__", "__qualname__")
_HELD_AS = ("__wrapped__", "__func__", "func", "fget", "fset", "fdel")


class Reach:
    """The globals, modules and classes that code refers to.

    Attributes:
        names: The globals that the code refers to, by module.
        modules: The modules that a worker imports: those of objects that are sent by
            name, and those that the code has as modules. A lambda is sent without its
            module.
        attributes: All names in the code. They may be names of class attributes.
        classes: The user's classes, in the order in which they were found.
    """

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}
        self.modules: set[str] = set()
        self.attributes: set[str] = set()
        self.classes: list[type] = []
        # By identity; the references keep the identities valid.
        self._code: dict[tuple[int, ...], Any] = {}
        self._modules: set[tuple[str, frozenset[str]]] = set()
        self._visited: set[int] = set()  # other objects; for the time of one `extend`
        self._pending: list[Any] = []

    def extend(self, roots: Iterable[Any]) -> bool:
        """Reads functions and classes, and what they refer to.

        Returns:
            True if something new was found.
        """
        before = self._size
        for root in roots:
            self._add(root)
        while self._pending:
            self._visit(self._pending.pop())
        self._visited.clear()
        return self._size > before

    @property
    def _size(self) -> int:
        referred = sum(map(len, self.names.values()))
        sizes = map(len, (self.names, self.modules, self.attributes, self.classes))
        return referred + sum(sizes)

    def _add(self, value: Any) -> None:
        if _is_code(value):
            key = _identity(value)
            if key not in self._code:
                self._code[key] = value
                self._pending.append(value)
        elif id(value) not in self._visited:
            self._visited.add(id(value))
            self._pending.append(value)

    def _visit(self, value: Any) -> None:
        kind = type(value)  # `isinstance` would call code of a proxy
        if kind is FunctionType:
            self._visit_function(value)
        elif issubclass(kind, type):
            self._visit_class(value)
        elif kind is MethodType:
            self._add(value.__func__)
            self._add(value.__self__)
        elif kind in _CONTAINERS:
            self._visit_items(value)
        elif issubclass(kind, ModuleType):
            self._visit_module(value, frozenset(self.attributes))
        else:
            self._visit_object(value)

    def _visit_function(self, function: FunctionType) -> None:
        for content in contents_of(function):
            self._add(content)
        self._add(function.__defaults__ or ())
        self._add(vars(function).get("__wrapped__", ()))
        home = function.__globals__.get("__name__")
        if not is_users_module(home) and home in sys.modules:
            return
        if Reference.to(function) is not None:
            self.modules.add(function.__module__)
        names = names_in(function.__code__)
        self.attributes |= names
        for name in names & function.__globals__.keys():
            self._refer(home, name, function.__globals__[name], names)
        package = function.__globals__.get("__package__")
        for module in _imported_by(names | _texts_in(function.__code__), package):
            self._visit_module(module, names)

    def _refer(self, home: Any, name: str, value: Any, names: frozenset[str]) -> None:
        if home != "__main__" and is_users_module(home):
            self.names.setdefault(home, set()).add(name)
        if issubclass(type(value), ModuleType):
            self._visit_module(value, names)
        else:
            self._add(value)

    def _visit_module(self, module: ModuleType, names: frozenset[str]) -> None:
        """Adds the globals of a module that occur among the names in some code."""
        key = (module.__name__, names)
        if not is_users_module(module.__name__) or key in self._modules:
            return
        self._modules.add(key)
        self.modules.add(module.__name__)
        for name in names & vars(module).keys():
            self._refer(module.__name__, name, vars(module)[name], names)

    def _visit_class(self, kind: type) -> None:
        for base in kind.__mro__:
            if is_users_module(base.__module__):
                if base is not kind:
                    self._add(base)
                    continue
                self.classes.append(kind)
                if Reference.to(kind) is not None:
                    self.modules.add(kind.__module__)
                for value in list(vars(kind).values()):
                    self._add(value)

    def _visit_items(self, items: Any) -> None:
        if len(items) <= _MOST_ITEMS:
            for item in items.values() if isinstance(items, dict) else items:
                self._add(item)

    def _visit_object(self, value: Any) -> None:
        kind = type(value)
        self._add(kind)
        if kind.__module__.partition(".")[0] in _HOLDERS:
            names = [getattr(value, name, None) for name in _NAMES]
            if all(names) and Reference.to(value) is not None:
                self.modules.add(value.__module__)  # for example of a cached function
            for name in _HELD_AS:
                self._add(getattr(value, name, None))
        elif is_users_module(kind.__module__):
            with contextlib.suppress(AttributeError):  # it has slots
                self._visit_items(object.__getattribute__(value, "__dict__"))


def _is_code(value: Any) -> bool:
    return type(value) is FunctionType or issubclass(type(value), type)


def _identity(code: Any) -> tuple[int, ...]:
    """Returns a key that is equal for one class, or for functions that do the same.

    Some functions are made again for each pickle.
    """
    if isinstance(code, type):
        return (id(code),)
    return id(code.__code__), *map(id, contents_of(code))


@functools.cache
def names_in(code: CodeType) -> frozenset[str]:
    """Returns the names of globals and attributes in code, and in code inside it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= names_in(constant)
    return frozenset(names)


@functools.cache
def _texts_in(code: CodeType) -> frozenset[str]:
    """Returns the constants that may be a module's name, given to `import_module`."""
    return frozenset(
        constant
        for constant in code.co_consts
        if isinstance(constant, str) and constant.replace(".", "_").isidentifier()
    )


def _imported_by(names: Iterable[str], package: Any) -> list[ModuleType]:
    """Returns the user's modules that a function with these names may import."""
    tops = [name for name in names if is_users_module(name) and name != "__main__"]
    if package:
        tops.append(package)
    found = {*tops, *(f"{top}.{name}" for top in tops for name in names)}
    return [sys.modules[name] for name in sorted(found) if is_users_module(name)]
