"""cloudpickle's pickler, with the recipes."""

from __future__ import annotations

import io
from types import FunctionType, ModuleType
from typing import Any, Callable, NamedTuple, Optional

import cloudpickle

from seq2data.workers.program_state.replaced import function_by_code, is_displaced
from seq2data.workers.reducers import finalizers
from seq2data.workers.reducers.modules import ByValue
from seq2data.workers.reducers.own_generators import Met, is_met
from seq2data.workers.reducers.registry import Registration, registration_of


class Pickle(NamedTuple):
    """What became of an object.

    Attributes:
        data: The pickle, of protocol 5, without its out-of-band buffers.
        survives_fork: Whether workers may have it from the nursery that loaded it.
        code: Functions, classes and modules that it refers to, or has.
    """

    data: bytes
    survives_fork: bool
    code: list[Any]


class _Treatment(NamedTuple):
    """What objects of a type need."""

    registration: Optional[Registration]
    is_code: bool
    has_finalizer: bool
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
        if treatment.is_met:
            reduced = self._met.reduce(value)
            if reduced is not None:
                return reduced
        if treatment.registration is not None:
            reduced = treatment.registration.reducer(value)
            if reduced is not None:
                self.survives_fork &= treatment.registration.survives_fork
                return reduced
        if treatment.is_code:
            self._by_value.note(value)
            if isinstance(value, FunctionType) and is_displaced(value):
                return function_by_code(value)
            return super().reducer_override(value)
        if treatment.has_finalizer:
            reduce = self.dispatch_table.get(kind, lambda value: value.__reduce_ex__(5))
            return finalizers.reduced_without(reduce(value))
        return NotImplemented

    def _treatment_of(self, kind: type) -> _Treatment:
        treatment = self._treatments[kind] = _Treatment(
            registration_of(kind),
            issubclass(kind, (type, FunctionType, ModuleType)),
            finalizers.has_finalizer(kind),
            is_met(kind),
        )
        return treatment


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
