"""Which recipe an object has, by its type."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional, Union

# A type that says itself how it is pickled goes before the recipes of its bases.
_PICKLED_BY = ("__reduce_ex__", "__reduce__", "__getstate__")

Recipe = tuple[Callable[..., Any], tuple[Any, ...]]
# None is for an object that is pickled as any other; the rest is `__reduce__`'s.
Reducer = Callable[[Any], Union[str, tuple[Any, ...], None]]


class Registration(NamedTuple):
    """What is known of a type.

    Attributes:
        reducer: Called in the parent; gives the recipe.
        survives_fork: Whether a worker may have it from the fork server. If not, every
            worker makes it for itself.
    """

    reducer: Reducer
    survives_fork: bool


_registrations: dict[type, Registration] = {}


def register_reducer(
    type: type, reducer: Callable[[Any], Optional[tuple[Any, ...]]]
) -> None:
    """Tells how objects of a type are made again in worker processes.

    For what cannot be pickled and has no recipe yet: a handle of a native library, a
    connection. Such objects may be anywhere in a source. They are made once per worker
    process, and never shared by two.

    Args:
        type: The objects' type. A subclass has the same reducer, unless it has one of
            its own or says itself how it is pickled.
        reducer: Called with the object before each epoch, in the caller's process;
            returns `(callable, args)` as `__reduce__` does, or None for pickling it as
            usual. The worker calls `callable(*args)`, of which all must pickle.

    Example:
        >>> import seq2data
        >>> class Reader:
        ...     def __init__(self, path):
        ...         self.path = path
        >>> seq2data.register_reducer(Reader, lambda reader: (Reader, (reader.path,)))
    """
    _registrations[type] = Registration(reducer, survives_fork=False)


def register(type: type, reducer: Reducer, *, survives_fork: bool = True) -> None:
    """Registers a recipe of seq2data's own."""
    _registrations[type] = Registration(reducer, survives_fork)


def registration_of(kind: type) -> Optional[Registration]:
    """The recipe for objects of a type: its own, or the nearest base's."""
    for base in kind.__mro__:
        if base in _registrations:
            return _registrations[base]
        if any(name in vars(base) for name in _PICKLED_BY):
            return None
    return None
