"""Restores the names that Keras 3 has removed from its modules.

Old input code imports them. A name with a successor works again. For any other name an
import or an attribute access raises an error that names the replacement. Keras 2 has
the names itself and is not changed. This module does not load TensorFlow, because
workers use it, too: they import the user's modules again.
"""

from __future__ import annotations

import importlib
import importlib.abc
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Optional

from seq2data.train.keras_versions import is_keras_3
from seq2data.train.patching.name_tables import GONE, INCOMPLETE, MOVED, REPLACED
from seq2data.train.patching.restored_methods import restore_methods
from seq2data.train.patching.when_imported import AttributeChanges, WhenImported
from seq2data.workers.payload.setup_steps import add_step, remove_step

# The module behind `tf.keras`. It lacks some names of `keras`, and `keras` some of its.
_TF_KERAS = "keras._tf_keras.keras"
# `from tensorflow.keras.utils import ...` loads the files of `tf.keras` once more.
_TENSORFLOW_KERAS = "tensorflow.keras"
_ROOTS = ("keras", _TF_KERAS, _TENSORFLOW_KERAS)
_REMOVED = frozenset((*MOVED, *GONE))


class RemovedNames:
    """The removed names in all modules of Keras 3."""

    def __init__(self) -> None:
        self._changes = AttributeChanges()
        self._finder = _Finder()
        loaded_again = [f"{_TENSORFLOW_KERAS}.{path}" for path in INCOMPLETE if path]
        self._modules = WhenImported(["keras", *loaded_again], self._patch)

    def restore(self) -> None:
        """Adds the names to every Keras 3 that is or will be imported."""
        self._modules.begin()

    def remove(self) -> None:
        """Undoes all that `restore` did."""
        self._modules.end()
        self._finder.uninstall()
        self._changes.undo()

    def _patch(self, module: ModuleType) -> None:
        root = "keras" if module.__name__ == "keras" else _TENSORFLOW_KERAS
        if not is_keras_3(root):
            return
        self._finder.install()
        if root != "keras":
            self._complete(module, module.__name__.removeprefix(f"{root}."))
            return
        self._restore_methods(module)
        for path in INCOMPLETE:
            for each in (_module("keras", path), _module(_TF_KERAS, path)):
                if each is not None:
                    self._complete(each, path)

    def _restore_methods(self, keras: ModuleType) -> None:
        image, sequence = (
            _module(_TF_KERAS, f"preprocessing.{name}")
            for name in ("image", "sequence")
        )
        if image is not None and sequence is not None:
            restore_methods(self._changes, image, sequence, keras.callbacks.Callback)

    def _complete(self, module: ModuleType, path: str) -> None:
        if "__getattr__" in vars(module):
            return
        self._changes.set(module, "__getattr__", _getattr_of(module.__name__))
        for name, value in _names_of(path):
            if name not in vars(module):
                self._changes.set(module, name, value)


def _module(root: str, path: str) -> Optional[ModuleType]:
    """Imports a module; None if this Keras 3 has none: `wrappers` came with 3.8."""
    name = f"{root}.{path}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _names_of(path: str) -> Iterator[tuple[str, Any]]:
    """Yields the names that a module has in `keras` or in `tf.keras`."""
    for root in ("keras", _TF_KERAS):
        for name, value in vars(_module(root, path) or ModuleType("")).items():
            if not (name.startswith("_") or isinstance(value, ModuleType)):
                yield name, value


def _path_in(table: Collection[str], name: str) -> Optional[str]:
    """Returns the path below its Keras 3 of a full name, None if not in the table."""
    for root in _ROOTS:
        path = name.removeprefix(f"{root}.")
        if path != name and path in table and is_keras_3(root):
            return path
    return None


def _message(name: str, path: str) -> str:
    shown = name.replace(_TF_KERAS, "tf.keras")
    return f"Keras 3 has no `{shown}`: {GONE[path]}"


def _getattr_of(module: str) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module, for names that the module lacks."""

    def getattribute(name: str) -> Any:
        full_name = f"{module}.{name}"
        replaced = _path_in(REPLACED, full_name)
        if replaced is not None:
            return getattr(importlib.import_module(REPLACED[replaced]), name)
        path = _path_in(_REMOVED, full_name)
        if path in MOVED:
            return importlib.import_module(full_name)
        default = f"module '{module}' has no attribute '{name}'"
        raise AttributeError(_message(full_name, path) if path else default)

    return getattribute


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes modules for the moved names, and raises an error for the other names.

    `from package import name` searches for a module if the package has no such
    attribute. So the finder is also called for names that never were modules.
    """

    def __init__(self) -> None:
        self._made: list[ModuleType] = []

    def install(self) -> None:
        """Adds itself to the import system, after the finders of existing modules."""
        if self not in sys.meta_path:
            sys.meta_path.append(self)

    def uninstall(self) -> None:
        """Removes itself and the modules that it made from the import system."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        while self._made:
            module = self._made.pop()
            sys.modules.pop(module.__name__, None)
            parent, _, name = module.__name__.rpartition(".")
            if vars(sys.modules.get(parent, module)).get(name) is module:
                delattr(sys.modules[parent], name)  # the import system set it

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],
        target: Optional[ModuleType] = None,
    ) -> Optional[ModuleSpec]:
        """Finds a module; the import system calls it.

        Raises:
            ModuleNotFoundError: Keras 3 has removed the module or the attribute.
        """
        del path, target
        where = _path_in(_REMOVED, fullname)
        if where in MOVED:
            return ModuleSpec(fullname, self, origin="seq2data", is_package=True)
        if where is not None:
            # Without `name=`: `from ... import` would replace the error by its own.
            raise ModuleNotFoundError(_message(fullname, where))
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Fills a module with its names; the import system calls it."""
        for path in MOVED[_path_in(MOVED, module.__name__) or ""]:
            vars(module).update(_names_of(path))
        vars(module)["__getattr__"] = _getattr_of(module.__name__)
        self._made.append(module)


_removed_names = RemovedNames()


def restore_names() -> None:
    """Restores the names, here and in workers that start from now on."""
    _removed_names.restore()
    add_step(restore_names)


def remove_names() -> None:
    """Undoes what `restore_names` did."""
    remove_step(restore_names)
    _removed_names.remove()
