"""Finds out, in a worker, what the first read of a source does to it.

Some classes draw an order at the first `__getitem__`, or start there what the further
calls need. All workers must then start from what one first read has left.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import zlib
from pathlib import Path
from typing import Any, Optional

import numpy as np

from seq2data.source.fingerprint import attributes
from seq2data.workers.payload.payload import OUT_OF_BAND_BYTES
from seq2data.workers.payload.pickler import dumps
from seq2data.workers.system.environment import num_threads
from seq2data.workers.wire.messages import Effect

# To pickle more would take long, and copy pages that are shared with other workers.
MOST_COMPARED_BYTES = 4 << 20
_DESCRIPTORS = Path("/proc/self/fd")
_MAPS = Path("/proc/self/smaps")


class FirstRead:
    """Is made before the first read, and asked for its effect after it.

    Args:
        source: What is read.
        pickle_bytes: The length of the pickle that it came in.
    """

    def __init__(self, source: Any, pickle_bytes: int) -> None:
        self._source = source
        self._is_small = pickle_bytes <= MOST_COMPARED_BYTES
        self._descriptors = _descriptors()
        self._state = self._take_state()

    def effect(self, *, can_fork: bool) -> Effect:
        """What has happened since; `can_fork` says whether it was fit to be forked."""
        can_fork = (
            can_fork and num_threads() == 1 and _descriptors() <= self._descriptors
        )
        return Effect(self._state != self._take_state(), can_fork)

    def _take_state(self) -> tuple[object, ...]:
        """Equal at two moments between which the source has not changed."""
        content = _content(self._source) if self._is_small else None
        return content or (attributes(self._source),)


def _descriptors() -> set[tuple[str, str]]:
    """What is open here, without the segments, which the parent is about to get."""
    found = set()
    for name in os.listdir(_DESCRIPTORS) if _DESCRIPTORS.exists() else ():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            target = os.readlink(_DESCRIPTORS / name)
            if not target.startswith("/memfd:seq2data"):
                found.add((name, target))
    return found


def _content(source: Any) -> Optional[tuple[object, ...]]:
    """What there is to be sent; None where a recipe has made here what has none.

    Each batch gives the generators new states, so these are no content. Where the
    system does not tell which arrays were written to, all are looked at.
    """
    places: list[tuple[int, int, int]] = []
    can_tell = _MAPS.exists() and hasattr(os, "memfd_create")

    def keep(buffer: pickle.PickleBuffer) -> bool:
        array = np.frombuffer(buffer.raw(), np.uint8)
        if array.nbytes < OUT_OF_BAND_BYTES:
            return True
        content = 0 if can_tell else zlib.crc32(buffer.raw())
        places.append((array.__array_interface__["data"][0], array.nbytes, content))
        return False

    try:
        pickled = dumps(source, keep, omits_states=True).data
    except Exception:  # noqa: BLE001  # it need not be sent anywhere
        return None
    return pickled, places, _written_kb() if places and can_tell else 0


def _written_kb() -> int:
    """How much of the parent's arrays was written to: those pages are ours since."""
    total = 0
    is_ours = False
    for line in _MAPS.read_text().splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            is_ours = rest[0].endswith("p") and "memfd:seq2data" in line
        elif is_ours and first in ("Anonymous:", "Swap:"):
            total += int(rest[0])
    return total
