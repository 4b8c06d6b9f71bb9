"""Decides how many batches a worker reads for one message.

A chunk should take a few ms to read. Its size depends on the measured reading time, and
is limited by memory and by the number of workers, which all need batches to read.
"""

from __future__ import annotations

# Much longer than a message takes (about 0.2 ms), shorter than a training step.
_CHUNK_S = 0.004
# A chunk counts as one entry of the queue, so its memory must be that of a small batch.
CHUNK_BYTES = 256 * 1024
_MOST_BATCHES = 256
_WEIGHT_OF_NEWEST = 0.25


def batches_per_chunk(batch_bytes: int) -> int:
    """Returns how many batches of this size one chunk may hold."""
    return min(_MOST_BATCHES, max(1, CHUNK_BYTES // max(1, batch_bytes)))


class ChunkSize:
    """The size of the next chunk of a dataset, from measured times of all epochs."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._most = 1
        self._read_s = _CHUNK_S

    def set_batch_bytes(self, nbytes: int) -> None:
        """Allows more than one batch, if their size in memory permits it."""
        self._most = batches_per_chunk(nbytes)

    def observe(self, seconds: float, batches: int) -> None:
        """Records that `batches` were read in `seconds`."""
        newest = seconds / max(1, batches)
        self._read_s += _WEIGHT_OF_NEWEST * (newest - self._read_s)

    def next(self, remaining: int) -> int:
        """Returns the number of batches of a chunk if `remaining` are left to read."""
        worth = int(_CHUNK_S / max(self._read_s, 1e-9))
        share = remaining // (2 * self._workers)
        return max(1, min(worth, self._most, share, remaining))
