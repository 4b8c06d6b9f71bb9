"""`wrap`: a legacy class whose instances come out as datasets."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import wrapt

from seq2data.errors import SourceError
from seq2data.pipeline.dataset import to_dataset


class _Wrapped(wrapt.ObjectProxy):  # type: ignore[type-arg]  # not generic at run time
    """Looks like the class; calling it gives the dataset of the instance."""

    def __init__(self, wrapped: type, options: dict[str, Any]) -> None:
        super().__init__(wrapped)
        self._self_options = options

    def __call__(self, *args: Any, **kwargs: Any) -> tf.data.Dataset:
        return to_dataset(self.__wrapped__(*args, **kwargs), **self._self_options)

    # wrapt 1.14, which TensorFlow 2.15 wants, does not pass these on.
    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self.__wrapped__)

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self.__wrapped__)


def wrap(source_class: type, **options: Any) -> Any:
    """Wraps a legacy class, so that making an instance gives its dataset.

        >>> TrainData = seq2data.wrap(MySequence, workers=8)
        >>> model.fit(TrainData(files, labels, batch_size=32))

    Args:
        source_class: The class; its name, doc and signature stay visible.
        **options: Keyword arguments of `to_dataset`.

    Returns:
        A callable with the class's own arguments that returns a `tf.data.Dataset`.

    Raises:
        SourceError: `source_class` is not a class, but for instance an instance.
        TypeError: An option is none of `to_dataset`'s.
    """
    if not isinstance(source_class, type):
        raise SourceError(
            f"`wrap` takes a class; received an instance of "
            f"`{type(source_class).__qualname__}`: pass it to `to_dataset`"
        )
    unknown = set(options) - set(to_dataset.__kwdefaults__ or {})
    if unknown:
        raise TypeError(f"`to_dataset` has no argument {sorted(unknown)}")
    return _Wrapped(source_class, options)
