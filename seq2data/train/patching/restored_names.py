"""Puts the names that Keras 3 has removed back into its modules.

Old input code imports them. Those that have a successor are back; for the others an
import or an attribute access says what to use instead. Keras 2 has its own and stays as
it is. Without TensorFlow, for workers do it, too: they import the user's modules anew.
"""

from __future__ import annotations

import importlib
import importlib.abc
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Optional

from seq2data.train.patching.name_tables import GONE, INCOMPLETE, MOVED
from seq2data.train.patching.when_imported import Attributes, WhenImported
from seq2data.train.removed_methods import put_methods_back
from seq2data.workers.payload.setup_steps import add_step, forget_step

# What `tf.keras` is; `keras` has not all of it, nor has it all of `keras`.
_TF_KERAS = "keras._tf_keras.keras"
# `from tensorflow.keras.utils import ...` loads the files of `tf.keras` once more.
_TENSORFLOW_KERAS = "tensorflow.keras"
_ROOTS = ("keras", _TF_KERAS, _TENSORFLOW_KERAS)

# Imported, with TensorFlow, when they are asked for.
_ENQUEUERS_OF = "seq2data.train.enqueuers"
_ENQUEUERS = ("GeneratorEnqueuer", "OrderedEnqueuer", "SequenceEnqueuer")
_HAVE_ENQUEUERS = (".utils", ".utils.data_utils")


class RemovedNames:
    """Puts them back, and takes them away again."""

    def __init__(self) -> None:
        self._attributes = Attributes()
        self._finder = _Finder()
        loaded_again = [f"{_TENSORFLOW_KERAS}.{path}" for path in INCOMPLETE if path]
        self._modules = WhenImported(["keras", *loaded_again], self._patch)

    def put_back(self) -> None:
        """In every Keras 3 that is or will be imported."""
        self._modules.begin()

    def take_away(self) -> None:
        """As if nothing had been."""
        self._modules.end()
        self._finder.forget()
        self._attributes.restore()

    def _patch(self, module: ModuleType) -> None:
        root = "keras" if module.__name__ == "keras" else _TENSORFLOW_KERAS
        if not is_keras_3(root):
            return
        self._finder.begin()
        if root != "keras":
            self._complete(module, module.__name__.removeprefix(f"{root}."))
            return
        self._put_methods_back(module)
        for path in INCOMPLETE:
            for each in (_module("keras", path), _module(_TF_KERAS, path)):
                if each is not None:
                    self._complete(each, path)

    def _put_methods_back(self, keras: ModuleType) -> None:
        image, sequence = (
            _module(_TF_KERAS, f"preprocessing.{name}")
            for name in ("image", "sequence")
        )
        if image is not None and sequence is not None:
            put_methods_back(
                self._attributes, image, sequence, keras.callbacks.Callback
            )

    def _complete(self, module: ModuleType, path: str) -> None:
        if "__getattr__" in vars(module):
            return
        self._attributes.set(module, "__getattr__", _getattr_of(module.__name__))
        for name, value in _names_of(path):
            if name not in vars(module):
                self._attributes.set(module, name, value)


def _module(root: str, path: str) -> Optional[ModuleType]:
    """None for what this Keras 3 has not: `wrappers` came with 3.8."""
    name = f"{root}.{path}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def _names_of(path: str) -> Iterator[tuple[str, Any]]:
    """What a module has in `keras` or in `tf.keras`."""
    for root in ("keras", _TF_KERAS):
        for name, value in vars(_module(root, path) or ModuleType("")).items():
            if not (name.startswith("_") or isinstance(value, ModuleType)):
                yield name, value


def is_keras_3(root: str) -> bool:
    """Whether the module of this name was imported, and is of Keras 3."""
    version = str(getattr(sys.modules.get(root), "__version__", ""))
    return version.startswith("3.")


def _path_of(name: str) -> Optional[str]:
    """Where in Keras 3 a name is, None if it is none of the removed ones."""
    for root in _ROOTS:
        path = name.removeprefix(f"{root}.")
        if path != name and (path in MOVED or path in GONE) and is_keras_3(root):
            return path
    return None


def _message(name: str, path: str) -> str:
    shown = name.replace(_TF_KERAS, "tf.keras")
    return f"`{shown}` is not there in Keras 3: {GONE[path]}"


def _getattr_of(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module, for names that it has not."""

    def getattribute(name: str) -> Any:
        full_name = f"{module}.{name}"
        if name in _ENQUEUERS and module.endswith(_HAVE_ENQUEUERS):
            return getattr(importlib.import_module(_ENQUEUERS_OF), name)
        path = _path_of(full_name)
        if path in MOVED:
            return importlib.import_module(full_name)
        default = f"module '{module}' has no attribute '{name}'"
        raise AttributeError(_message(full_name, path) if path else default)

    return getattribute


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the modules that were moved, and says what to use instead of the others.

    `from package import name` looks for a module of that name where the package has no
    such attribute, and so asks for names that are no modules, too.
    """

    def __init__(self) -> None:
        self._made: list[ModuleType] = []

    def begin(self) -> None:
        """Is asked from now on."""
        if self not in sys.meta_path:
            sys.meta_path.append(self)  # last: what can be found is there

    def forget(self) -> None:
        """Is asked no more, and what it has made is not found again."""
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
        """Part of the import system.

        Raises:
            ModuleNotFoundError: The module, or attribute of a package, is gone.
        """
        del path, target
        where = _path_of(fullname)
        if where in MOVED:
            return ModuleSpec(fullname, self, origin="seq2data", is_package=True)
        if where is not None:
            # Without its `name`, by which `from ... import` would know and replace it.
            raise ModuleNotFoundError(_message(fullname, where))
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Part of the import system."""
        for path in MOVED[_path_of(module.__name__) or ""]:
            vars(module).update(_names_of(path))
        vars(module)["__getattr__"] = _getattr_of(module.__name__)
        self._made.append(module)


_removed_names = RemovedNames()


def put_names_back() -> None:
    """Puts them back, here and in the workers that are started from now on."""
    _removed_names.put_back()
    add_step(put_names_back)


def take_names_away() -> None:
    """Takes back what `put_names_back` did."""
    forget_step(put_names_back)
    _removed_names.take_away()
