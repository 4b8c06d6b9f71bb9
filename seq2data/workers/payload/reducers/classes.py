"""Classes that are sent by value: made in a worker without the user's hooks.

cloudpickle makes a class without its attributes and sets them afterwards. Making it
would call the user's code that runs when a class is defined: the `__new__` of the
metaclass, which would miss the attributes, and `__init_subclass__` of the bases, which
would miss its arguments or register the class a second time. This code has run already,
and its effects are sent.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import numbers
import sys
from collections.abc import Iterator
from typing import Any

from seq2data.source.user_modules import is_users_module
from seq2data.workers.program_state.importable import is_found_in_workers

_HOOK = "__init_subclass__"
# A class may be registered with these (`register`) without having one as a base.
_ABSTRACT = (
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Set,
    collections.abc.MutableSet,
    collections.abc.Mapping,
    collections.abc.MutableMapping,
    *(getattr(numbers, name) for name in numbers.__all__),
)


def reduce_class(kind: Any, by_cloudpickle: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns what a class is reduced to.

    Args:
        kind: The class.
        by_cloudpickle: What cloudpickle reduces it to.
    """
    make, (metaclass, *args), state, _, _, set_state = by_cloudpickle
    if hooked_bases(kind) or _is_own(metaclass):
        metaclass = functools.partial(define, *definition(kind))
    return make, (metaclass, *args), state, None, None, set_state


def with_registrations(kind: Any, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns `reduced`, changed so that a worker also registers the class as here.

    It is registered with abstract classes, and put into `__main__`: what `__getitem__`
    pickles, as joblib's caches do, is looked up there.
    """
    make, args, state, _, _, set_state = reduced
    registered_in = [base for base in _ABSTRACT if _is_registered(kind, base)]
    is_of_main = vars(sys.modules["__main__"]).get(kind.__name__) is kind
    if registered_in or is_of_main:
        state = set_state, state, registered_in, is_of_main
        set_state = _set_state
    return make, args, state, None, None, set_state


def definition(kind: Any) -> tuple[Any, ...]:
    """Returns the first arguments of `define` for a class."""
    metaclass = type(kind)
    installed = next(base for base in metaclass.__mro__ if not _is_own(base))
    return metaclass, installed, hooked_bases(kind)


def hooked_bases(kind: type) -> list[type]:
    """Returns the bases that have an `__init_subclass__` written by the user."""
    bases = kind.__mro__[1:]
    return [base for base in bases if _HOOK in vars(base) and _is_own(base)]


def _is_own(kind: type) -> bool:
    """True if a class is the user's, or is in a module that workers cannot import."""
    module = kind.__module__
    return is_users_module(module) or not is_found_in_workers(module)


def _is_registered(kind: type, base: type) -> bool:
    return base not in kind.__mro__ and issubclass(kind, base)


def define(
    metaclass: Any, installed: Any, hooked: list[Any], *args: Any, **kwargs: Any
) -> Any:
    """Makes a class as a metaclass does, without running the user's code.

    Args:
        metaclass: The metaclass.
        installed: The metaclass, or its nearest base that is not the user's.
        hooked: The bases with an `__init_subclass__` written by the user.
        *args: The arguments of the metaclass.
        **kwargs: The keyword arguments of the metaclass.
    """
    with contextlib.ExitStack() as stack:
        for base in hooked:
            stack.enter_context(_without_hook(base))
        kind = installed.__new__(metaclass, *args, **kwargs)
        installed.__init__(kind, *args, **kwargs)
    return kind


@contextlib.contextmanager
def _without_hook(base: Any) -> Iterator[None]:
    def call_next(kind: Any) -> None:
        super(base, kind).__init_subclass__()

    hook = vars(base).get(_HOOK)
    type.__setattr__(base, _HOOK, classmethod(call_next))
    try:
        yield
    finally:
        if hook is None:
            type.__delattr__(base, _HOOK)
        else:
            type.__setattr__(base, _HOOK, hook)


def _set_state(kind: Any, state: tuple[Any, Any, list[Any], bool]) -> None:
    set_state, own, registered_in, is_of_main = state
    set_state(kind, own)
    for base in registered_in:
        base.register(kind)
    if is_of_main:
        setattr(sys.modules["__main__"], kind.__name__, kind)
