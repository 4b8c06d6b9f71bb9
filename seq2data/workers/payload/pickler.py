"""cloudpickle's pickler, with the recipes."""

from __future__ import annotations

import io
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any, Callable, NamedTuple, Optional

import cloudpickle

from seq2data.workers.payload import finalizers
from seq2data.workers.payload.by_value import ByValue, is_found_in_workers
from seq2data.workers.payload.reducers import (
    classes,
    enumerations,
    names,
    singledispatch,
)
from seq2data.workers.payload.reducers.own_generators import Met, is_met
from seq2data.workers.payload.registry import Registration, registration_of
from seq2data.workers.program_state.function_state import is_single_dispatch
from seq2data.workers.program_state.replaced import function_by_code, is_displaced

# What cloudpickle says of `NoneType` and its like; of others it says how to fill them.
_BUILT_IN = 2


class Pickle(NamedTuple):
    """What became of an object.

    Attributes:
        data: The pickle, of protocol 5, without its out-of-band buffers.
        survives_fork: Whether workers may have it from the fork server that loaded it.
        code: Functions, classes and modules that it refers to, or has.
    """

    data: bytes
    survives_fork: bool
    code: list[Any]


class _Treatment(NamedTuple):
    """What objects of a type need.

    Attributes:
        registration: Its recipe.
        is_code: Whether they are functions, classes or modules.
        says_how: Whether the type says itself how they are pickled, perhaps as a name.
        has_finalizer: Whether a `__del__` is called for them.
        is_sent_enumeration: Whether they are its members.
        is_met: Whether they are random generators.
    """

    registration: Optional[Registration]
    is_code: bool
    says_how: bool
    has_finalizer: bool
    is_sent_enumeration: bool
    is_met: bool


class SourcePickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """cloudpickle's, with the recipes."""

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
        self._met = Met(omits_states)
        self._treatments: dict[type, _Treatment] = {}

    def reducer_override(self, value: Any) -> Any:
        """The recipe of a value, else what cloudpickle makes of it."""
        kind = type(value)
        # It is asked for every object there is, and there may be millions of a type.
        treatment = self._treatments.get(kind) or self._treatment_of(kind)
        reduced: Any
        if treatment.is_met:
            reduced = self._met.reduce(value)
            if reduced is not None:
                return reduced
        if treatment.registration is not None:
            reduced = treatment.registration.reducer(value)
            if reduced is not None:
                self.survives_fork &= treatment.registration.survives_fork
                return self._found(value, reduced)
        if treatment.is_code:
            return self._code(value)
        if not (treatment.says_how or treatment.has_finalizer):
            return NotImplemented
        if treatment.is_sent_enumeration and enumerations.is_member(value):
            return enumerations.reduced_member(value)
        reduce = self.dispatch_table.get(kind, lambda value: value.__reduce_ex__(5))
        reduced = self._found(value, reduce(value))
        if treatment.has_finalizer:
            return finalizers.reduced_without(reduced)
        return reduced

    def _found(self, value: Any, reduced: Any) -> Any:
        """What a worker can make: a name is only one if it is found there."""
        if not isinstance(reduced, str):
            return reduced
        if names.is_found(value, reduced):
            self._by_value.note_name(value)
            return reduced
        parts = names.parts_of(value)
        return reduced if parts is None else parts

    def _code(self, value: Any) -> Any:
        self._by_value.note(value)
        if isinstance(value, type):
            return names.place_of(value) or self._class(value)
        if not isinstance(value, FunctionType):
            return super().reducer_override(value)
        home = value.__globals__.get("__name__", "")
        if is_displaced(value) and is_found_in_workers(home):
            return function_by_code(value)
        reduced = super().reducer_override(value)
        if reduced is not NotImplemented and is_single_dispatch(value):
            return singledispatch.reduced(value)
        return reduced

    def _class(self, kind: Any) -> Any:
        reduced = super().reducer_override(kind)
        if reduced is NotImplemented or len(reduced) == _BUILT_IN:
            return reduced
        if enumerations.is_enumeration(kind):
            return classes.known(kind, enumerations.reduced(kind))
        if issubclass(kind, Enum):
            return reduced
        return classes.known(kind, classes.reduced(kind, reduced))

    def _treatment_of(self, kind: type) -> _Treatment:
        treatment = self._treatments[kind] = _Treatment(
            registration_of(kind),
            issubclass(kind, (type, FunctionType, ModuleType)),
            kind in self.dispatch_table or _says_how(kind),
            finalizers.has_finalizer(kind),
            enumerations.is_enumeration(kind) and self._is_sent(kind),
            is_met(kind),
        )
        return treatment

    def _is_sent(self, kind: type) -> bool:
        """True if a class goes along: a worker cannot import it."""
        self._by_value.note(kind)
        return super().reducer_override(kind) is not NotImplemented


def _says_how(kind: Any) -> bool:
    return (
        kind.__reduce_ex__ is not object.__reduce_ex__
        or kind.__reduce__ is not object.__reduce__
    )


def dumps(
    value: Any, buffer_callback: Callable[[Any], Any], *, omits_states: bool = False
) -> Pickle:
    """Pickles; buffers that the callback takes (it returns False) stay outside.

    Args:
        value: What is pickled.
        buffer_callback: Called with each buffer.
        omits_states: Whether to leave out what random generators draw next: equal
            pickles are then of objects that differ in nothing else. Cannot be loaded.
    """
    with io.BytesIO() as file, ByValue() as by_value:
        pickler = SourcePickler(
            file, buffer_callback, by_value, omits_states=omits_states
        )
        pickler.dump(value)
        return Pickle(file.getvalue(), pickler.survives_fork, by_value.code)
