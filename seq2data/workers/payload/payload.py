"""Turns the source into what a worker needs to have it, and back.

The pickle and the large arrays (pickle protocol 5, out of band) lie in files in memory.
A worker maps them privately: its arrays look straight into the shared pages, so however
many workers there are the data exists once, and a write copies only its own page. A
later version sends only arrays that differ: those that the kernel says were not written
to are not looked at, the others are compared by content.
"""

from __future__ import annotations

import functools
import gc
import os
import pickle
import sys
from dataclasses import dataclass, replace
from types import CodeType, ModuleType
from typing import Any, Callable, NamedTuple, Optional

import cloudpickle
import numpy as np
import wrapt

from seq2data.errors import PayloadError
from seq2data.plan.generator_walk import find_own
from seq2data.plan.own_generators import OwnGenerators
from seq2data.workers.payload.diagnosis import explain
from seq2data.workers.payload.pickler import dumps
from seq2data.workers.payload.reducers.own_generators import Generators
from seq2data.workers.payload.reducers.weak_references import let_go
from seq2data.workers.payload.setup_steps import SetupSteps
from seq2data.workers.payload.write_watch import WriteWatch
from seq2data.workers.program_state.state import ProgramState
from seq2data.workers.system.libc import libc
from seq2data.workers.transport.memory_files import Mapping, write_file
from seq2data.workers.wire.messages import Extent, Load

# Smaller arrays travel inside the pickle: a mapped page each would cost more.
OUT_OF_BAND_BYTES = 64 * 1024
# Each version that sends only some arrays adds a file, and 253 descriptors is what one
# message can take; from here on all arrays are written anew.
_MOST_FILES = 64


def _find_submodules(
    find: Callable[..., list[ModuleType]],
    _: object,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[ModuleType]:
    """Looks for the submodules that a function uses only once for each function.

    cloudpickle goes through all of `sys.modules` for every function of `__main__`, at
    every pass: with TensorFlow loaded that was a quarter of the gap between two passes.
    """
    code, values = (*args, *kwargs.values())
    modules = tuple(value for value in values if isinstance(value, ModuleType))
    return _known_submodules(find, code, modules, len(sys.modules))


@functools.lru_cache
def _known_submodules(
    find: Callable[..., list[ModuleType]],
    code: CodeType,
    modules: tuple[ModuleType, ...],
    _: int,
) -> list[ModuleType]:
    return find(code, modules)


if hasattr(cloudpickle.cloudpickle, "_find_imported_submodules"):
    wrapt.wrap_function_wrapper(
        "cloudpickle.cloudpickle", "_find_imported_submodules", _find_submodules
    )


class _File:
    """A file in memory; its descriptor is closed with the last user of it."""

    def __init__(self, pieces: list[np.ndarray]) -> None:
        self.descriptor, self.offsets = write_file(pieces)

    @functools.cached_property
    def _memory(self) -> np.ndarray:
        nbytes = os.fstat(self.descriptor).st_size
        # Privately, for its pages are then mapped only where they are looked at.
        return Mapping(self.descriptor, nbytes, is_private=True).memory()

    def view(self, extent: Extent) -> np.ndarray:
        return self._memory[extent.offset : extent.offset + extent.nbytes]

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


@dataclass(frozen=True)
class Payload:
    """One version of the source, ready to be sent; immutable, so any thread may.

    Attributes:
        load: The message.
        files: What it refers to, by number; alive as long as the payload is.
        watch: Knows which arrays of the parent's lie where, unwritten since.
        state: Takes what the program has set.
    """

    load: Load
    files: dict[int, _File]
    watch: WriteWatch[Extent]
    state: ProgramState

    @property
    def version(self) -> int:
        """Counts up with every change of the source."""
        return self.load.version

    def descriptors(self) -> list[int]:
        """The descriptors that go with `load`; they stay the payload's."""
        return [self.files[number].descriptor for number in self.load.files]

    def holds(self, data: np.ndarray, extent: Extent) -> bool:
        """Whether `extent` has these bytes."""
        return extent.nbytes == data.nbytes and _equal(
            data, self.files[extent.file].view(extent)
        )


def pack(source: Any, before: Optional[Payload]) -> Payload:
    """The payload of the source as it is now; `before` itself where nothing changed.

    Args:
        source: What is packed.
        before: The payload that was packed last, None for the first.

    Raises:
        PayloadError: The source cannot be pickled; names the attribute.
    """
    state = before.state if before else ProgramState(_dump_whole)
    main, buffers, survives_fork = _pickle(source, state)
    if before and len(before.files) >= _MOST_FILES:
        before = replace(before, load=replace(before.load, buffers=()))
    watch = before.watch if before else WriteWatch()
    recalled = watch.recall(buffers)
    places = _find(buffers, recalled, before)
    if before and _is_as_before(main, places, before):
        watch.note(buffers, before.load.buffers)
        return before
    number = 1 + max(before.files, default=0) if before else 0
    fresh = [buffer for buffer, place in zip(buffers, places) if place is None]
    file, extents = _write(number, [main, *fresh])
    rest = iter(extents[1:])
    placed = tuple(place or next(rest) for place in places)
    files = {number: file}
    for extent in placed:
        if extent.file != number and before:
            files[extent.file] = before.files[extent.file]
    version = before.version + 1 if before else 0
    load = Load(version, extents[0], placed, tuple(files), survives_fork)
    watch.note(buffers, placed)
    return Payload(load, files, watch, state)


def _is_as_before(
    main: np.ndarray, places: list[Optional[Extent]], before: Payload
) -> bool:
    return tuple(places) == before.load.buffers and before.holds(
        main, before.load.pickle
    )


def _find(
    buffers: list[np.ndarray],
    recalled: list[Optional[Extent]],
    before: Optional[Payload],
) -> list[Optional[Extent]]:
    """Where each buffer lies already; no two share a place, for either may change."""
    free = list(before.load.buffers) if before else []
    places = []
    for buffer, place in zip(buffers, recalled):
        if place not in free:
            place = next((e for e in free if before and before.holds(buffer, e)), None)
        if place is not None:
            free.remove(place)
        places.append(place)
    return places


def _write(number: int, pieces: list[np.ndarray]) -> tuple[_File, list[Extent]]:
    file = _File(pieces)
    extents = [
        Extent(number, offset, piece.nbytes)
        for offset, piece in zip(file.offsets, pieces)
    ]
    return file, extents


def _pickle(
    source: Any, state: ProgramState
) -> tuple[np.ndarray, list[np.ndarray], bool]:
    buffers: list[np.ndarray] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = np.frombuffer(buffer.raw(), np.uint8)
        if raw.nbytes < OUT_OF_BAND_BYTES:
            return True
        buffers.append(raw)
        return False

    is_complete = False
    while not is_complete:
        buffers.clear()
        settings, before, after = state.take()
        try:
            # It lists the generators that are met before it.
            generators = Generators(source, find_own(source))
            parts = settings, SetupSteps(), before, source, generators, after
            pickled = dumps(parts, keep)
        except Exception as error:
            if state.leave_out():
                continue
            raise PayloadError(explain(source, error)) from error
        is_complete = not state.look_at(pickled.code)
    return np.frombuffer(pickled.data, np.uint8), buffers, pickled.survives_fork


def _dump_whole(value: Any) -> bytes:
    return dumps(value, lambda _: True).data


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Bytes, and at the memory's speed: numpy would make an array of the answers."""
    return not libc().memcmp(
        *(a.__array_interface__["data"][0] for a in (one, other)), one.nbytes
    )


class Loaded(NamedTuple):
    """What a worker has of a payload.

    Attributes:
        source: The source.
        generators: Its random generators.
    """

    source: Any
    generators: OwnGenerators


def load(message: Load, descriptors: list[int]) -> Loaded:
    """The source, in a worker; closes the descriptors.

    Every version gets maps of its own: what the worker writes into the arrays of one
    is not seen in the next.

    Raises:
        Exception: Whatever unpickling the user's object raises.
    """
    sizes = _sizes(message)
    maps = {}
    for file, descriptor in zip(message.files, descriptors):
        maps[file] = Mapping(descriptor, sizes[file], is_private=True)
        os.close(descriptor)

    def view(extent: Extent) -> memoryview:
        memory = maps[extent.file].memory()
        return memory[extent.offset : extent.offset + extent.nbytes].data

    let_go()
    collects = gc.isenabled()
    gc.disable()  # what imports make is no garbage, and Keras's make a million objects
    try:
        buffers = map(view, message.buffers)
        loaded = pickle.loads(view(message.pickle), buffers=buffers)
        _, _, _, source, generators, _ = loaded
        return Loaded(source, generators)
    finally:
        if collects:
            gc.enable()


def _sizes(message: Load) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for extent in (message.pickle, *message.buffers):
        end = extent.offset + extent.nbytes
        sizes[extent.file] = max(sizes.get(extent.file, 0), end)
    return sizes
