"""Packs the source into files in memory, and loads it from them in a worker.

The files hold the pickle, and the large arrays beside it (pickle protocol 5, out of
band). A worker maps them privately. Its arrays use the shared pages: the data exists
once for all workers, and a write copies only its page. A later version sends only the
arrays that differ. Arrays that were not written to are not compared, where the kernel
keeps count of writes; the others are compared byte by byte.
"""

from __future__ import annotations

import functools
import gc
import os
import pickle
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Optional

import numpy as np

from seq2data.errors import PayloadError
from seq2data.plan.generator_walk import find_own
from seq2data.plan.own_generators import OwnGenerators
from seq2data.workers.payload.diagnosis import explain
from seq2data.workers.payload.pickler import dumps
from seq2data.workers.payload.reducers.own_generators import GeneratorList
from seq2data.workers.payload.reducers.weak_references import release_targets
from seq2data.workers.payload.setup_steps import SetupSteps
from seq2data.workers.payload.write_watch import WriteWatch
from seq2data.workers.program_state.state import ProgramState
from seq2data.workers.system.libc import libc
from seq2data.workers.transport.memory_files import Mapping, write_file
from seq2data.workers.wire.messages import Extent, Load

# Smaller arrays are sent inside the pickle: a mapped page for each would cost more.
OUT_OF_BAND_BYTES = 64 * 1024
# Each version that sends only some arrays adds a file, and one message can carry 253
# descriptors. With so many files, all arrays are written into one new file.
_MOST_FILES = 64


class _File:
    """A file in memory, whose descriptor is closed with the last reference to it."""

    def __init__(self, pieces: list[np.ndarray]) -> None:
        self.descriptor, self.offsets = write_file(pieces)

    @functools.cached_property
    def _memory(self) -> np.ndarray:
        nbytes = os.fstat(self.descriptor).st_size
        # A private map has only the pages that are read.
        return Mapping(self.descriptor, nbytes, is_private=True).memory()

    def view(self, extent: Extent) -> np.ndarray:
        return self._memory[extent.offset : extent.offset + extent.nbytes]

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


@dataclass(frozen=True)
class Payload:
    """One version of the source, ready to be sent by any thread: it does not change.

    Attributes:
        load: The message.
        files: The files that the message refers to, by number.
        watch: Remembers where each array of the parent lies in the files.
        state: Takes the state of the program.
    """

    load: Load
    files: dict[int, _File]
    watch: WriteWatch[Extent]
    state: ProgramState

    @functools.cached_property
    def version(self) -> int:
        """The number of the version; each change of the source adds one."""
        return self.load.version

    def descriptors(self) -> list[int]:
        """Returns the descriptors to send with `load`; the payload closes them."""
        return [self.files[number].descriptor for number in self.load.files]

    def holds(self, data: np.ndarray, extent: Extent) -> bool:
        """True if the bytes at `extent` equal the data."""
        return extent.nbytes == data.nbytes and _equal(
            data, self.files[extent.file].view(extent)
        )


def pack(source: Any, before: Optional[Payload]) -> Payload:
    """Returns the payload of the source as it is now, `before` if nothing has changed.

    Args:
        source: The source.
        before: The payload that was packed last, None for the first.

    Raises:
        PayloadError: The source cannot be pickled; the message names the attribute.
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
    """Returns where each buffer lies in the files already, None if it does not.

    No two buffers share a place, since one of them may change in a worker.
    """
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
            # It comes after the source, with which its generators are pickled.
            generators = GeneratorList(source, find_own(source))
            parts = settings, SetupSteps(), before, source, generators, after
            pickled = dumps(parts, keep)
        except Exception as error:
            if state.leave_out():
                continue
            raise PayloadError(explain(source, error)) from error
        is_complete = not state.add_code(pickled.code)
    return np.frombuffer(pickled.data, np.uint8), buffers, pickled.survives_fork


def _dump_whole(value: Any) -> bytes:
    return dumps(value, lambda _: True).data


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """True if two arrays have the same bytes.

    `memcmp` is as fast as the memory; numpy would make an array of the comparisons.
    """
    return not libc().memcmp(
        *(a.__array_interface__["data"][0] for a in (one, other)), one.nbytes
    )


class Loaded(NamedTuple):
    """The source and its generators, as `load` returns them in a worker.

    Attributes:
        source: The source.
        generators: Its random generators.
    """

    source: Any
    generators: OwnGenerators


def load(message: Load, descriptors: list[int]) -> Loaded:
    """Loads the source in a worker, and closes the descriptors.

    Each version is mapped for itself: what a worker writes into the arrays of one
    version is not in the next.

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

    release_targets()
    is_collecting = gc.isenabled()
    gc.disable()  # the import of Keras makes a million objects, and none is garbage
    try:
        buffers = map(view, message.buffers)
        loaded = pickle.loads(view(message.pickle), buffers=buffers)
        _, _, _, source, generators, _ = loaded
        return Loaded(source, generators)
    finally:
        if is_collecting:
            gc.enable()


def _sizes(message: Load) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for extent in (message.pickle, *message.buffers):
        end = extent.offset + extent.nbytes
        sizes[extent.file] = max(sizes.get(extent.file, 0), end)
    return sizes
