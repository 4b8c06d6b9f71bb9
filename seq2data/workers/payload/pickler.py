"""cloudpickle's pickler, with the recipes."""

from __future__ import annotations

import io
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, Callable, NamedTuple, Optional

import cloudpickle

from seq2data.workers.payload import finalizers
from seq2data.workers.payload.by_value import ByValue
from seq2data.workers.payload.reducers import (
    classes,
    enumerations,
    names,
    singledispatch,
)
from seq2data.workers.payload.reducers.own_generators import (
    GeneratorReducer,
    is_generator,
)
from seq2data.workers.payload.registry import Registration, registration_of
from seq2data.workers.program_state.function_state import is_single_dispatch
from seq2data.workers.program_state.importable import is_found_in_workers
from seq2data.workers.program_state.replaced import function_by_code, is_displaced

# cloudpickle reduces a type such as `NoneType` to two items, and other classes to more.
_LENGTH_FOR_BUILT_IN = 2


class Pickle(NamedTuple):
    """A pickled object.

    Attributes:
        data: The pickle, of protocol 5, without its out-of-band buffers.
        survives_fork: True if a forked worker may use the object that the fork server
            has loaded.
        code: The user's functions, classes and modules that the object refers to.
    """

    data: bytes
    survives_fork: bool
    code: list[Any]


class _TypeFacts(NamedTuple):
    """Facts about a type that decide how its objects are pickled.

    Attributes:
        registration: The registered reducer, None if there is none.
        is_code: True if they are functions, classes or modules.
        reduces_itself: True if the type defines how they are pickled; some types do
            it by a name.
        has_finalizer: True if a `__del__` is called for them.
        is_sent_enumeration: True if they are members of an enumeration that is sent
            by value.
        is_generator: True if they are random generators.
    """

    registration: Optional[Registration]
    is_code: bool
    reduces_itself: bool
    has_finalizer: bool
    is_sent_enumeration: bool
    is_generator: bool


class SourcePickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """cloudpickle's pickler, with the recipes."""

    def __init__(
        self,
        file: io.BytesIO,
        buffer_callback: Callable[[Any], Any],
        by_value: ByValue,
        *,
        omits_states: bool = False,
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.survives_fork = True
        self._by_value = by_value
        self._generators = GeneratorReducer(omits_states)
        self._facts: dict[type, _TypeFacts] = {}

    def reducer_override(self, value: Any) -> Any:
        """Returns the recipe of a value, else what cloudpickle reduces it to."""
        kind = type(value)
        # This is called for each object, and there may be millions of one type.
        facts = self._facts.get(kind) or self._facts_of(kind)
        reduced: Any
        if facts.is_generator:
            reduced = self._generators.reduce(value)
            if reduced is not None:
                return reduced
        if facts.registration is not None:
            reduced = facts.registration.reducer(value)
            if reduced is not None:
                self.survives_fork &= facts.registration.survives_fork
                return self._without_lost_name(value, reduced)
        if facts.is_code:
            return self._reduce_code(value)
        if not (facts.reduces_itself or facts.has_finalizer):
            return NotImplemented
        if facts.is_sent_enumeration and enumerations.is_member(value):
            return enumerations.reduce_member(value)
        reduce = self.dispatch_table.get(kind, lambda value: value.__reduce_ex__(5))
        reduced = self._without_lost_name(value, reduce(value))
        if facts.has_finalizer:
            return finalizers.without_finalizer(reduced)
        return reduced

    def _without_lost_name(self, value: Any, reduced: Any) -> Any:
        """Returns `reduced`, or a recipe if `reduced` is a name that a worker lacks."""
        if not isinstance(reduced, str):
            return reduced
        if names.is_found(value, reduced):
            self._by_value.note_name(value)
            return reduced
        parts = names.parts_of(value)
        return reduced if parts is None else parts

    def _reduce_code(self, value: Any) -> Any:
        self._by_value.note(value)
        if isinstance(value, type):
            return names.place_of(value) or self._reduce_class(value)
        if not isinstance(value, FunctionType):
            return super().reducer_override(value)
        home = value.__globals__.get("__name__", "")
        if is_displaced(value) and is_found_in_workers(home):
            return function_by_code(value)
        reduced = super().reducer_override(value)
        if reduced is not NotImplemented and is_single_dispatch(value):
            return singledispatch.reduce_function(value)
        return reduced

    def _reduce_class(self, kind: Any) -> Any:
        reduced = super().reducer_override(kind)
        if reduced is NotImplemented or len(reduced) == _LENGTH_FOR_BUILT_IN:
            return reduced
        if enumerations.is_enumeration(kind):
            return classes.with_registrations(
                kind, enumerations.reduce_enumeration(kind)
            )
        if issubclass(kind, Enum):
            return reduced
        return classes.with_registrations(kind, classes.reduce_class(kind, reduced))

    def _facts_of(self, kind: type) -> _TypeFacts:
        is_sent_enumeration = False
        if enumerations.is_enumeration(kind):
            self._by_value.note(kind)
            is_sent_enumeration = super().reducer_override(kind) is not NotImplemented
        facts = self._facts[kind] = _TypeFacts(
            registration_of(kind),
            issubclass(kind, (type, FunctionType, ModuleType)),
            kind in self.dispatch_table or _reduces_itself(kind),
            finalizers.has_finalizer(kind),
            is_sent_enumeration,
            is_generator(kind),
        )
        return facts


def _reduces_itself(kind: Any) -> bool:
    return (
        kind.__reduce_ex__ is not object.__reduce_ex__
        or kind.__reduce__ is not object.__reduce__
    )


def dumps(
    value: Any, buffer_callback: Callable[[Any], Any], *, omits_states: bool = False
) -> Pickle:
    """Pickles a value.

    Args:
        value: The value.
        buffer_callback: Called with each buffer; the buffer stays outside of the
            pickle if it returns False.
        omits_states: True if the states of random generators are left out. Equal
            pickles then belong to objects that differ in those states at most. Such
            a pickle cannot be loaded.
    """
    with io.BytesIO() as file, ByValue() as by_value:
        pickler = SourcePickler(
            file, buffer_callback, by_value, omits_states=omits_states
        )
        pickler.dump(value)
        return Pickle(file.getvalue(), pickler.survives_fork, by_value.code)
