"""Kinds of objects that legacy sources hold, one file for each subject.

To test a reducer, add a kind to the table of the file that fits.
"""

from __future__ import annotations

from tests.workers.payload.kinds import arrays, files, locks, references_and_code
from tests.workers.payload.kinds.kind import NUM_BATCHES, Holder, Kind

__all__ = ["KINDS", "NUM_BATCHES", "Holder"]

KINDS: dict[str, Kind] = {
    **locks.KINDS,
    **files.KINDS,
    **arrays.KINDS,
    **references_and_code.KINDS,
}
