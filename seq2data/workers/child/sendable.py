"""Finds the batches of which not everything can be sent to the parent.

Arrays lie in shared memory, and text is bytes; what is left are the keys of dicts,
which may be any objects of the user's.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import NamedTuple, Optional

from seq2data.errors import BatchError
from seq2data.exception_text import summary_of
from seq2data.source.structure import Structure
from seq2data.workers.transport.runs import Run

_PLAIN = frozenset((str, bytes, int, float, bool, type(None)))


class Unsendable(NamedTuple):
    """The first batch that cannot be sent.

    Attributes:
        num_runs: How many runs are before it.
        num_batches: How many batches are before it.
        error: What is wrong with it.
    """

    num_runs: int
    num_batches: int
    error: BatchError


def find_unsendable(runs: Sequence[Run]) -> Optional[Unsendable]:
    """Returns the first batch whose keys do not pickle; None where all do."""
    num_batches = 0
    for number, run in enumerate(runs):
        if not _has_plain_keys(run.structure):
            try:
                pickle.loads(pickle.dumps(run.structure))
            except BaseException as error:  # noqa: BLE001  # the keys' own code
                message = (
                    "the keys of its dicts cannot be sent from a worker: "
                    f"{summary_of(error)}. Return texts or numbers as keys, or pass "
                    "`use_multiprocessing=False`"
                )
                return Unsendable(number, num_batches, BatchError(message))
        num_batches += run.num_batches
    return None


def _has_plain_keys(structure: Structure) -> bool:
    return all(type(key) in _PLAIN for key in structure.keys) and all(
        map(_has_plain_keys, structure.children)
    )
