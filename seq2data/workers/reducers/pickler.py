"""cloudpickle's pickler, with the recipes."""

from __future__ import annotations

import io
from typing import Any, Callable, NamedTuple, Optional

import cloudpickle

from seq2data.workers.reducers import finalizers
from seq2data.workers.reducers.modules import ByValue
from seq2data.workers.reducers.registry import Registration, registration_of


class Pickle(NamedTuple):
    """What became of an object.

    Attributes:
        data: The pickle, of protocol 5, without its out-of-band buffers.
        survives_fork: Whether workers may have it from the nursery that loaded it.
    """

    data: bytes
    survives_fork: bool


class SourcePickler(cloudpickle.CloudPickler):  # type: ignore[misc]  # it has no types
    """cloudpickle's, with the recipes."""

    def __init__(
        self, file: io.BytesIO, buffer_callback: Callable[[Any], Any], by_value: ByValue
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.survives_fork = True
        self._by_value = by_value
        self._registrations: dict[type, Optional[Registration]] = {}

    def reducer_override(self, value: Any) -> Any:
        """The recipe of a value, else what cloudpickle makes of it."""
        kind = type(value)
        if kind not in self._registrations:
            self._registrations[kind] = registration_of(kind)
        registration = self._registrations[kind]
        reduced = registration.reducer(value) if registration is not None else None
        if registration is not None and reduced is not None:
            self.survives_fork &= registration.survives_fork
            return reduced
        self._by_value.note(value)
        reduced = super().reducer_override(value)
        if reduced is NotImplemented and finalizers.has_finalizer(kind):
            reduce = self.dispatch_table.get(kind, lambda value: value.__reduce_ex__(5))
            return finalizers.reduced_without(reduce(value))
        return reduced


def dumps(value: Any, buffer_callback: Callable[[Any], Any]) -> Pickle:
    """Pickles; buffers that the callback takes (it returns False) stay outside."""
    with io.BytesIO() as file, ByValue() as by_value:
        pickler = SourcePickler(file, buffer_callback, by_value)
        pickler.dump(value)
        return Pickle(file.getvalue(), pickler.survives_fork)
