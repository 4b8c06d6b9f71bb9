"""Decides how many batches one worker round trip reads.

A round trip should be worth a few ms of reading; what stands between is measured
reading time, the chunk's size in memory, and the other workers, who must find work too.
"""

from __future__ import annotations

# Long against a hand-over (some 0.2 ms), short against a person or a training step.
_CHUNK_S = 0.004
# A chunk counts as one entry of the queue, so its memory stays that of a small batch.
CHUNK_BYTES = 256 * 1024
_MOST_BATCHES = 256
_WEIGHT_OF_NEWEST = 0.25


def batches_per_chunk(batch_bytes: int) -> int:
    """How many batches of this size may go together."""
    return min(_MOST_BATCHES, max(1, CHUNK_BYTES // max(1, batch_bytes)))


class ChunkSize:
    """Follows the measured reading time of one dataset; shared by its passes."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._most = 1
        self._read_s = _CHUNK_S

    def set_batch_bytes(self, nbytes: int) -> None:
        """Allows more than one batch, as their size permits."""
        self._most = batches_per_chunk(nbytes)

    def observe(self, seconds: float, batches: int) -> None:
        """Takes in that `batches` were read in `seconds`."""
        newest = seconds / max(1, batches)
        self._read_s += _WEIGHT_OF_NEWEST * (newest - self._read_s)

    def next(self, remaining: int) -> int:
        """Batches for the next round trip when `remaining` are left in the pass."""
        worth = int(_CHUNK_S / max(self._read_s, 1e-9))
        share = remaining // (2 * self._workers)
        return max(1, min(worth, self._most, share, remaining))
