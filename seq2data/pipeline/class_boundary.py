"""Converts what passes between the code of a wrapped class and the program.

A dataset that the program passes to the class's code becomes the instance that it
reads. An instance that this code returns becomes a dataset. So the class's code works
with instances, as it did before it was wrapped, and as it does in a worker.
"""

from __future__ import annotations

import functools
import operator
import sys
from typing import Any, Callable, Optional

from seq2data.source.own_code import own_code
from seq2data.source.wrapped import is_of_wrapped, wrapped_by

_CONTAINERS = (list, tuple, dict)
_OURS = "seq2data."


class InstanceDataset:
    """A dataset of an instance of a wrapped class.

    Attributes:
        source: The instance.
    """

    source: Any


def to_instances(value: Any) -> Any:
    """Returns a value for the class's code, with instances instead of datasets."""
    return _replaced(value, InstanceDataset, operator.attrgetter("source"))


def to_datasets(
    value: Any, owner: Any, dataset: Optional[InstanceDataset] = None
) -> Any:
    """Returns a value for the program, with datasets instead of instances.

    Args:
        value: The result of the class's code.
        owner: The wrapped class.
        dataset: The dataset whose method it was; it replaces its own instance.
    """

    def opened(instance: Any) -> Any:
        if dataset is not None and instance is dataset.source:
            return dataset
        return _open(instance, owner)

    return _replaced(value, wrapped_by(owner) or owner, opened)


def _open(instance: Any, owner: Any) -> Any:
    # Workers import this module, too; they load TensorFlow only if the source does.
    from seq2data.pipeline.source_attributes import open_with_source

    return open_with_source(instance, owner)


def _replaced(value: Any, kind: type, replace: Callable[[Any], Any]) -> Any:
    """Returns the value with each `kind` replaced, also in containers."""
    if isinstance(value, kind):
        return replace(value)
    if type(value) not in _CONTAINERS:
        return value
    items = list(value.values()) if type(value) is dict else value
    # A list of a million file names is looked at only by its types.
    if not any(issubclass(t, (kind, *_CONTAINERS)) for t in set(map(type, items))):
        return value
    replaced = [_replaced(item, kind, replace) for item in items]
    if all(map(operator.is_, replaced, items)):
        return value
    return type(value)(zip(value, replaced) if type(value) is dict else replaced)


def call_from_outside(
    function: Callable[..., Any],
    owner: Any,
    dataset: Optional[InstanceDataset],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Calls code of a wrapped class for the program; see `to_datasets`."""
    if own_code.is_running or _is_called_by_instance():
        return function(*args, **kwargs)
    args, kwargs = to_instances(args), to_instances(kwargs)
    with own_code:
        result = function(*args, **kwargs)
    return to_datasets(result, owner, dataset)


def _is_called_by_instance() -> bool:
    """True if a method of an instance, or of its class, is among the callers.

    The program may have called it on a plain instance, and not through a dataset.
    """
    frame = sys._getframe(1).f_back
    while frame is not None:
        code, module = frame.f_code, frame.f_globals.get("__name__", "")
        if code.co_argcount and not module.startswith(_OURS):
            first = frame.f_locals.get(code.co_varnames[0])
            if is_of_wrapped(first):
                return True
        frame = frame.f_back
    return False


class ConvertingMethod:
    """A method of a wrapped class, or of a dataset's instance, for the program.

    Args:
        holder: The class or the dataset that the program has taken it from.
        name: The method's name there.
        method: The method itself.
        owner: The wrapped class.
    """

    def __init__(
        self,
        holder: Any,
        name: str,
        method: Callable[..., Any],
        owner: Any,
    ) -> None:
        self._place = holder, name
        self._method = method
        self._owner = owner
        functools.update_wrapper(self, method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        holder, _ = self._place
        dataset = holder if isinstance(holder, InstanceDataset) else None
        return call_from_outside(self._method, self._owner, dataset, args, kwargs)

    def __reduce__(self) -> Any:
        return getattr, self._place
