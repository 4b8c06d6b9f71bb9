"""Generator objects that have not begun: a worker calls their function again.

A generator that has begun cannot be copied. Keras's image iterators hold one. It serves
`next` and not the reading by index, and its position is an attribute of the iterator,
so a new one replaces it.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from types import CellType, FunctionType, GeneratorType
from typing import Any, Callable

from seq2data.workers.payload.registry import Recipe, register

_OF_KERAS_ITERATOR = "_flow_index"


def _reduce(generator: Any) -> Recipe:
    state = inspect.getgeneratorstate(generator)
    if state == inspect.GEN_CLOSED:
        return _empty, ()
    values = generator.gi_frame.f_locals
    if generator.gi_code.co_name == _OF_KERAS_ITERATOR and "self" in values:
        owner = values["self"]
        return operator.methodcaller(_OF_KERAS_ITERATOR), (owner,)
    if state != inspect.GEN_CREATED:
        raise TypeError(
            "a generator that has begun cannot be copied: make it in `__getitem__`"
        )
    return _call, (_function_of(generator), *_arguments_of(generator))


def _empty() -> Any:
    generator: Any = (item for item in "")
    generator.close()
    return generator


def _call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    return function(*args, **kwargs)


def _function_of(generator: Any) -> Any:
    """Returns a generator's function, or one of the same code if it has no name."""
    code, frame = generator.gi_code, generator.gi_frame
    module = sys.modules.get(frame.f_globals.get("__name__", ""))
    named = functools.reduce(
        lambda holder, name: getattr(holder, name, None),
        generator.__qualname__.split("."),
        module,
    )
    if getattr(named, "__code__", None) is code:
        return named
    values = frame.f_locals
    cells = (
        CellType(values[name]) if name in values else CellType()
        for name in code.co_freevars
    )
    return FunctionType(code, frame.f_globals, generator.__name__, None, tuple(cells))


def _arguments_of(
    generator: Any,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    code, values = generator.gi_code, generator.gi_frame.f_locals
    last = code.co_argcount + code.co_kwonlyargcount
    args = tuple(values[name] for name in code.co_varnames[: code.co_argcount])
    kwargs = {name: values[name] for name in code.co_varnames[len(args) : last]}
    if code.co_flags & inspect.CO_VARARGS:
        args += values[code.co_varnames[last]]
        last += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kwargs |= values[code.co_varnames[last]]
    return args, kwargs


register(GeneratorType, _reduce)
