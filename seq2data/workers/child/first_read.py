"""Finds out, in a worker, what the first read of a source changes.

`processes/first_read_policy.py` explains why, and what is done about it.
"""

from __future__ import annotations

import os
import pickle
import zlib
from typing import Any, Optional

import numpy as np

from seq2data.source.fingerprint import attributes
from seq2data.workers.payload.payload import OUT_OF_BAND_BYTES
from seq2data.workers.payload.pickler import dumps
from seq2data.workers.system.environment import num_threads
from seq2data.workers.system.proc import (
    counts_copied_pages,
    mapped_ranges_with_copied_kb,
    open_descriptors,
)
from seq2data.workers.wire.messages import Effect

# To pickle more would take long, and copy pages that are shared with other workers.
MOST_COMPARED_BYTES = 4 << 20
# The name of files in memory, of segments and of the source's arrays.
_MEMORY_FILE = "/memfd:seq2data"


class FirstRead:
    """Compares a source before and after its first read.

    Args:
        source: The source, before it is read.
        pickle_bytes: The length of its pickle.
    """

    def __init__(self, source: Any, pickle_bytes: int) -> None:
        self._source = source
        self._is_small = pickle_bytes <= MOST_COMPARED_BYTES
        self._descriptors = _descriptors()
        self._state = self._take_state()

    def effect(self, *, can_fork: bool) -> Effect:
        """Returns what has changed.

        Args:
            can_fork: True if this process could be forked before the read.
        """
        can_fork = (
            can_fork and num_threads() == 1 and _descriptors() <= self._descriptors
        )
        return Effect(self._state != self._take_state(), can_fork)

    def _take_state(self) -> tuple[object, ...]:
        """Returns a value that is another one when the source has changed."""
        content = _content(self._source) if self._is_small else None
        return content or (attributes(self._source),)


def _descriptors() -> set[tuple[int, str]]:
    """Returns what is open, but for segments, which are about to be sent."""
    return {
        (descriptor, target)
        for descriptor, target in open_descriptors().items()
        if not target.startswith(_MEMORY_FILE)
    }


def _content(source: Any) -> Optional[tuple[object, ...]]:
    """Returns what would be sent of a source; None if it cannot be sent.

    Each batch gives the random generators new states, so these are left out. Where the
    system does not count written pages, the bytes of all arrays are compared.
    """
    places: list[tuple[int, int, int]] = []
    counts_pages = counts_copied_pages() and hasattr(os, "memfd_create")

    def keep(buffer: pickle.PickleBuffer) -> bool:
        array = np.frombuffer(buffer.raw(), np.uint8)
        if array.nbytes < OUT_OF_BAND_BYTES:
            return True
        content = 0 if counts_pages else zlib.crc32(buffer.raw())
        places.append((array.__array_interface__["data"][0], array.nbytes, content))
        return False

    try:
        pickled = dumps(source, keep, omits_states=True).data
    except Exception:  # noqa: BLE001  # user code; the source need not be sent from here
        return None
    return pickled, places, _written_kb() if places and counts_pages else 0


def _written_kb() -> int:
    """Returns how many kB of the source's arrays were written to in this process."""
    return sum(
        mapped.copied_kb
        for mapped in mapped_ranges_with_copied_kb()
        if mapped.is_private and mapped.path.startswith(_MEMORY_FILE)
    )
