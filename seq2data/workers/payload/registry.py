"""Registers how objects of a type are made again in a worker."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional, Union

# A class that defines one of these is pickled by it, and not by a reducer of its bases.
_PICKLED_BY = ("__reduce_ex__", "__reduce__", "__getstate__")

# A callable and its arguments, which a worker calls to make the object.
Recipe = tuple[Callable[..., Any], tuple[Any, ...]]
# Called with an object in the parent. It returns what `__reduce__` may return, or None
# if this object is to be pickled as usual.
Reducer = Callable[[Any], Union[str, tuple[Any, ...], None]]


class Registration(NamedTuple):
    """The reducer of a type.

    Attributes:
        reducer: Called in the parent; returns the recipe.
        survives_fork: True if a forked worker may use an object that the fork server
            has made. If not, each worker loads the source for itself.
    """

    reducer: Reducer
    survives_fork: bool


_registrations: dict[type, Registration] = {}


def register_reducer(
    type: type, reducer: Callable[[Any], Optional[tuple[Any, ...]]]
) -> None:
    """Registers how objects of a type are made again in worker processes.

    Use it for objects that cannot be pickled: a handle of a native library, a
    connection. They may be anywhere in a source. Each worker process makes its own.

    Args:
        type: The objects' type. A subclass has the same reducer, unless it has one of
            its own or defines how it is pickled (`__reduce__`, `__getstate__`).
        reducer: Called with the object before each epoch, in the caller's process;
            returns `(callable, args)` as `__reduce__` does, or None to pickle the
            object as usual. The worker calls `callable(*args)`; both must pickle.

    Example:
        >>> import seq2data
        >>> class Reader:
        ...     def __init__(self, path):
        ...         self.path = path
        >>> seq2data.register_reducer(Reader, lambda reader: (Reader, (reader.path,)))
    """
    _registrations[type] = Registration(reducer, survives_fork=False)


def register(type: type, reducer: Reducer, *, survives_fork: bool = True) -> None:
    """Registers a reducer of seq2data itself."""
    _registrations[type] = Registration(reducer, survives_fork)


def registration_of(kind: type) -> Optional[Registration]:
    """Returns the reducer for objects of a type: its own, or its nearest base's."""
    for base in kind.__mro__:
        if base in _registrations:
            return _registrations[base]
        if any(name in vars(base) for name in _PICKLED_BY):
            return None
    return None
