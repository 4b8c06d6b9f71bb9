"""Describes where the batches of an answer lie."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from seq2data.source.structure import Structure


class StoredLeaf(NamedTuple):
    """Marks an array of a run that lies in a segment.

    Attributes:
        offset: Where the first batch's array begins, in bytes; a multiple of 64.
    """

    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]


class Run(NamedTuple):
    """Consecutive batches of the same structure, dtypes and shapes.

    Attributes:
        num_batches: The number of batches.
        structure: Their nesting.
        segment: The number of the segment that holds their arrays.
        stride: Bytes from one batch's array to the next batch's.
        leaves: A StoredLeaf each, or for text the list of the batches' arrays.
    """

    num_batches: int
    structure: Structure
    segment: Optional[int]
    stride: int
    leaves: tuple[Any, ...]


class Loan(NamedTuple):
    """What the reader's half sends to the writer's half with a task.

    Attributes:
        segment: The number of a segment that the writer may write into again.
        dropped: The numbers of segments that the reader has forgotten.
    """

    segment: Optional[int] = None
    dropped: tuple[int, ...] = ()
