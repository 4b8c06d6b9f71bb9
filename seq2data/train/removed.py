"""The names that Keras 3 has removed from its modules and old input code imports.

They are back where there is something that does the same. For those where there is
nothing, an import or an attribute access says what to use instead. Keras 2 has its own
and stays as it is.
"""

from __future__ import annotations

import importlib
import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Callable, Optional

from seq2data.train.attributes import Attributes
from seq2data.train.enqueuers import (
    GeneratorEnqueuer,
    OrderedEnqueuer,
    SequenceEnqueuer,
)

_ENQUEUERS = (GeneratorEnqueuer, OrderedEnqueuer, SequenceEnqueuer)

# `tf.keras` has what `keras` has and more, and some modules of its own.
_TF_KERAS = "keras._tf_keras.keras"
# `from tensorflow.keras.utils import ...` loads the files of `tf.keras` once more.
_TENSORFLOW_KERAS = "tensorflow.keras"
_ROOTS = ("keras", _TF_KERAS, _TENSORFLOW_KERAS)

_INSTEAD = {
    "backend.get_session": "Keras has no session any more, so leave the call out; the "
    "options of a GPU are in `tf.config`",
    "backend.set_session": "Keras has no session any more, so leave the call out; the "
    "options of a GPU are in `tf.config`",
    "utils.HDF5Matrix": "open the file with `h5py` in `__getitem__` of a "
    "`keras.utils.Sequence`, and slice its dataset there",
    "utils.io_utils": "`HDF5Matrix` was in it: open the file with `h5py` in "
    "`__getitem__` of a `keras.utils.Sequence`, and slice its dataset there",
    "utils.multi_gpu_model": "build and compile the model in the scope of a "
    "`tf.distribute.MirroredStrategy`",
    "utils.np_utils": "use `keras.utils.to_categorical` and `keras.utils.normalize`",
    "wrappers.scikit_learn": "use `keras.wrappers.SKLearnClassifier` and "
    "`keras.wrappers.SKLearnRegressor`, or the package `scikeras`",
}

_PATCHED = ("backend", "utils", "wrappers")
MODULES_OF_TENSORFLOW = tuple(f"{_TENSORFLOW_KERAS}.{name}" for name in _PATCHED)
"""Modules that are to be patched when they are imported, besides Keras itself."""


class RemovedNames:
    """Puts removed names back into modules of Keras 3, and takes them away again."""

    def __init__(self) -> None:
        self._attributes = Attributes()
        self._modules: list[str] = []
        self._finder = _Finder()

    def put_back(self, module: ModuleType) -> None:
        """Patches Keras 3 itself, or one of MODULES_OF_TENSORFLOW."""
        root = "keras" if module.__name__ == "keras" else _TENSORFLOW_KERAS
        if not _is_keras_3(root):
            return
        if self._finder not in sys.meta_path:
            sys.meta_path.append(self._finder)  # last: what can be found is there
        if module.__name__ in MODULES_OF_TENSORFLOW:
            self._patch(module)
            return
        tf_keras = importlib.import_module(_TF_KERAS)
        self._put_back_preprocessing(tf_keras.preprocessing)
        for name in _PATCHED:
            if hasattr(module, name):  # Keras 3 has had `wrappers` since 3.8
                self._patch(importlib.import_module(f"keras.{name}"))
                self._patch(getattr(tf_keras, name))

    def restore(self) -> None:
        """Takes all back."""
        self._attributes.restore()
        while self._modules:
            del sys.modules[self._modules.pop()]
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def _patch(self, module: ModuleType) -> None:
        if self._attributes.is_set_on(module):
            return
        if module.__name__.endswith(".utils"):
            for enqueuer in _ENQUEUERS:
                self._add(module, enqueuer.__name__, enqueuer)
        if module.__name__ == "keras.utils":
            self._add_module(module, "data_utils", _data_utils(module))
        if "__getattr__" not in vars(module):
            self._attributes.set(module, "__getattr__", _says_what_is_gone(module))

    def _put_back_preprocessing(self, source: ModuleType) -> None:
        """What `tf.keras.preprocessing` still has, `keras.preprocessing` gets back."""
        for name in ("image", "sequence"):
            target = importlib.import_module(f"keras.preprocessing.{name}")
            for each, value in vars(getattr(source, name)).items():
                if not each.startswith("_"):
                    self._add(target, each, value)
        parent = importlib.import_module("keras.preprocessing")
        self._add_module(parent, "text", source.text)

    def _add(self, module: ModuleType, name: str, value: Any) -> None:
        if not hasattr(module, name):
            self._attributes.set(module, name, value)

    def _add_module(self, parent: ModuleType, name: str, module: ModuleType) -> None:
        full_name = f"{parent.__name__}.{name}"
        if full_name not in sys.modules:
            sys.modules[full_name] = module
            self._modules.append(full_name)
            self._add(parent, name, module)


def _is_keras_3(root: str) -> bool:
    version = str(getattr(sys.modules.get(root), "__version__", ""))
    return version.startswith("3.")


def _data_utils(parent: ModuleType) -> ModuleType:
    """The module where `Sequence` and the enqueuers once were."""
    module = ModuleType(f"{parent.__name__}.data_utils")
    for name in ("Sequence", "get_file", *(each.__name__ for each in _ENQUEUERS)):
        setattr(module, name, getattr(parent, name))
    return module


def _message(name: str) -> Optional[str]:
    """What to use instead of a name, None if it is none of the removed ones."""
    for root in _ROOTS:
        instead = _INSTEAD.get(name.removeprefix(f"{root}."))
        if instead and name.startswith(f"{root}.") and _is_keras_3(root):
            return f"`{name}` is not there in Keras 3: {instead}"
    return None


def _says_what_is_gone(module: ModuleType) -> Callable[[str], Any]:
    module_name = module.__name__

    def getattribute(name: str) -> Any:
        default = f"module '{module_name}' has no attribute '{name}'"
        raise AttributeError(_message(f"{module_name}.{name}") or default)

    return getattribute


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing, and says so for the names that were removed.

    `from package import name` looks for a module of that name where the package has no
    such attribute, and so asks for names that are no modules, too.
    """

    def find_spec(
        self,
        fullname: str,
        path: Optional[Sequence[str]],
        target: Optional[ModuleType] = None,
    ) -> None:
        """Part of the import system.

        Raises:
            ModuleNotFoundError: The module, or attribute of a package, was removed.
        """
        del path, target
        message = _message(fullname)
        if message is not None:
            # Without its `name`, by which `from ... import` would know and replace it.
            raise ModuleNotFoundError(message)
