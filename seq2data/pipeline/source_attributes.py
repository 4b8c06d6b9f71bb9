"""Gives a dataset the attributes and methods of the instance that it reads."""

from __future__ import annotations

import copy
from types import MethodType
from typing import Any, Callable

import tensorflow as tf

from seq2data.pipeline.class_boundary import (
    ConvertingMethod,
    InstanceDataset,
    call_from_outside,
    to_instances,
)
from seq2data.pipeline.dataset import to_dataset
from seq2data.pipeline.wrapped_class import as_it_is
from seq2data.source.own_code import own_code
from seq2data.workers.payload.registry import Recipe, register

# Python looks for these only in the class of an object.
_SPECIAL = (
    "__len__",
    "__getitem__",
    "__setitem__",
    "__delitem__",
    "__contains__",
    "__call__",
    "__enter__",
    "__exit__",
)
# By these Keras 2 knows arrays and iterators, and TensorFlow a dataset of the old API.
_ASKED_BY_OTHERS = ("dtype", "next", "_dataset")
_NOT_PASSED_ON = ("__", "_self_")  # Python's, and TensorFlow's for checkpoints


class SourceAttributes(InstanceDataset):
    """Takes from the instance what a dataset does not have itself."""

    _seq2data_owner: Any

    def __getattr__(self, name: str) -> Any:
        if not _is_passed_on(name) or "source" not in vars(self):
            raise AttributeError(
                f"`{type(self).__name__}` has no attribute `{name}`; its instance is "
                "its attribute `source`"
            )
        with own_code:
            value = getattr(self.source, name)
        owners = self.source, type(self.source)
        if isinstance(value, MethodType) and any(value.__self__ is o for o in owners):
            return ConvertingMethod(self, name, value, self._seq2data_owner)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._is_sources(name):
            super().__setattr__(name, value)
            return
        with own_code:
            setattr(self.source, name, to_instances(value))

    def __delattr__(self, name: str) -> None:
        if not self._is_sources(name):
            super().__delattr__(name)
            return
        with own_code:
            delattr(self.source, name)

    def _is_sources(self, name: str) -> bool:
        """True if an attribute that is set or deleted is the instance's.

        Raises:
            AttributeError: It is one that datasets have.
        """
        is_own = name in vars(self) or hasattr(type(self), name)
        if is_own and not name.startswith("_"):
            raise AttributeError(
                f"`{name}` is an attribute of the dataset itself and stays as it is; "
                f"that of the instance is `.source.{name}`"
            )
        return not is_own and _is_passed_on(name)

    def __dir__(self) -> list[str]:
        passed_on = filter(_is_passed_on, dir(self.source))
        return sorted({*super().__dir__(), *passed_on})

    def __copy__(self) -> Any:
        return open_with_source(copy.copy(self.source), self._seq2data_owner)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return open_with_source(copy.deepcopy(self.source, memo), self._seq2data_owner)

    def __reduce__(self) -> Any:
        return open_with_source, (self.source, self._seq2data_owner)


def _is_passed_on(name: str) -> bool:
    return not name.startswith(_NOT_PASSED_ON) and name not in _ASKED_BY_OTHERS


def _special(name: str) -> Callable[..., Any]:
    def special(self: Any, *args: Any) -> Any:
        method = getattr(type(self.source), name)
        args = (self.source, *args)
        return call_from_outside(method, self._seq2data_owner, self, args, {})

    return special


def open_with_source(instance: Any, owner: Any) -> tf.data.Dataset:
    """Returns the dataset of an instance of a wrapped class.

    Args:
        instance: What is read.
        owner: The wrapped class.
    """
    options = owner.__seq2data_options__
    dataset = to_dataset(instance, **options)
    kind = type(instance)
    defined = {name for base in kind.__mro__ for name in vars(base)}
    namespace = {name: _special(name) for name in _SPECIAL if name in defined}
    if options.get("batch_size") is not None:
        namespace.pop("__len__", None)  # the instance's counts samples
    bases = (SourceAttributes, type(dataset))
    made: Any = object.__new__(type(f"{kind.__name__}Dataset", bases, namespace))
    # As `copy` does: the dataset may be seq2data's, or a result of its `batch`.
    vars(made).update(vars(dataset), source=instance, _seq2data_owner=owner)
    return made


def _reduce(dataset: Any) -> Recipe:
    # Workers get the instance instead of a dataset that is inside of a source.
    return as_it_is, (dataset.source,)


register(SourceAttributes, _reduce)
