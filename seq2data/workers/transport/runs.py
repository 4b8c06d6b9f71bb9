"""How the batches of an answer lie in memory."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from seq2data.source.structure import Structure


class StoredLeaf(NamedTuple):
    """Marks an array of a run that lies in a segment.

    Attributes:
        offset: Of the first batch's array, in bytes; a multiple of 64.
    """

    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]


class Run(NamedTuple):
    """Consecutive batches of the same structure, dtypes and shapes.

    Attributes:
        num_batches: How many.
        segment: Where their arrays lie.
        stride: Bytes from one batch's array to the next batch's.
        leaves: StoredLeaf, or for text the list of the batches' arrays.
    """

    num_batches: int
    structure: Structure
    segment: Optional[int]
    stride: int
    leaves: tuple[Any, ...]
