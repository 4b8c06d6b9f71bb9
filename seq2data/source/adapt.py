"""Recognises what the user passed in, by its methods."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any, Callable, Optional, Union

from seq2data.errors import SourceError
from seq2data.source.generator import (
    GeneratorFunction,
    GeneratorObject,
    is_iterator,
)
from seq2data.source.image_iterators import (
    ImageIterator,
    Lockstep,
    is_image_iterator,
)
from seq2data.source.indexable import Indexable

GeneratorSource = Union[GeneratorFunction, GeneratorObject]
Source = Union[Indexable, GeneratorSource]


def adapt(source: Any, transform: Optional[Callable[[Any], Any]] = None) -> Source:
    """Returns the source for the user's object.

    Raises:
        SourceError: The object is not of a kind that can be read, or there is a
            `transform` for an object that is not read by index.
    """
    if isinstance(source, type):
        raise SourceError(
            f"`{source.__qualname__}` is a class: pass an instance of it, or use "
            f"`seq2data.wrap({source.__qualname__}, ...)`"
        )
    if is_image_iterator(source):
        return ImageIterator(source, transform)
    if callable(getattr(source, "__getitem__", None)):
        if not hasattr(source, "__len__"):
            if _is_endless(source):
                name = type(source).__qualname__
                return GeneratorFunction(partial(_endless, source, transform), name)
            raise SourceError(
                f"`{type(source).__qualname__}` has `__getitem__` but no `__len__`: "
                "add `__len__`, the number of batches of an epoch"
            )
        return Indexable(source, transform)
    if transform is not None:
        raise SourceError(
            "`transform` is called with `source[i]`, so it needs a source with "
            f"`__getitem__` and `__len__`; received: `{type(source).__qualname__}`. "
            "Transform the items inside the generator instead"
        )
    return Lockstep.of(source) or _adapt_generator(source)


def _is_endless(source: Any) -> bool:
    """True if its `num_batches` is None, which is Keras 3's way."""
    try:
        return hasattr(source, "num_batches") and source.num_batches is None
    except NotImplementedError:  # raised by PyDataset itself
        return False


def _endless(source: Any, transform: Optional[Callable[[Any], Any]]) -> Iterator[Any]:
    items = map(source.__getitem__, count())
    return items if transform is None else map(transform, items)


def _adapt_generator(source: Any) -> Source:
    if is_iterator(source):
        return GeneratorObject(source)
    if hasattr(source, "__iter__"):
        return GeneratorFunction(source.__iter__, type(source).__qualname__)
    if callable(source):
        _check_no_arguments(source)
        return GeneratorFunction(source, getattr(source, "__name__", repr(source)))
    raise SourceError(
        f"a `{type(source).__qualname__}` cannot be read: pass a Sequence or another "
        "object with `__len__` and `__getitem__`, a generator or another iterator, or "
        "a function that returns one"
    )


def _check_no_arguments(function: Callable[..., Any]) -> None:
    try:
        inspect.signature(function).bind()
    except ValueError:  # a builtin without a signature
        return
    except TypeError as error:
        raise SourceError(
            f"`{getattr(function, '__name__', function)!s}` needs arguments "
            f"({error}): pass `functools.partial` of it, or the generator it returns"
        ) from error
