"""Does what has to be done between two epochs of an indexable source.

on_epoch_begin, the number of batches, their order, the source to the workers
... the batches of the epoch ...
on_epoch_end
"""

from __future__ import annotations

from typing import Optional

from seq2data.errors import ReadError, SourceError
from seq2data.exception_text import as_cause, summary_of
from seq2data.pipeline.cancellation import CancellationToken
from seq2data.pipeline.readers import Reading
from seq2data.pipeline.sequence_epoch import SequenceEpoch
from seq2data.plan.epochs import Plan
from seq2data.source.indexable import Indexable
from seq2data.workers.task import BatchRun


class EpochBoundary:
    """Begins and ends the epochs of a source, and calls its hooks.

    It takes no lock: its caller makes one call at a time, as the hooks expect it.

    Args:
        source: The source, whose hooks are called.
        plan: Counts and orders the epochs.
    """

    def __init__(self, source: Indexable, plan: Plan) -> None:
        self._source = source
        self._plan = plan
        # True if `on_epoch_begin` was called for the epoch that comes next.
        self._is_prepared = False
        self._first_batches: dict[int, BatchRun] = {}

    def prepare(self) -> None:
        """Calls `on_epoch_begin` for the first epoch, some of whose batches come early.

        Raises:
            ReadError: The hook raised.
        """
        self._call_hook("on_epoch_begin")
        self._is_prepared = True

    def keep(self, batches: dict[int, BatchRun]) -> None:
        """Keeps batches that were read early for the first epoch, by index."""
        self._first_batches = batches

    def num_batches(self) -> int:
        """Returns how many batches the source has now."""
        return self._source.num_batches()

    def begin(
        self, reading: Reading, expected: Optional[int], token: CancellationToken
    ) -> SequenceEpoch:
        """Begins an epoch over the source as it is now.

        Args:
            reading: Reads its batches.
            expected: How many batches the dataset has.
            token: The iterator's.

        Raises:
            SourceError: Its length is not the dataset's.
            ReadError: Its hook raised.
        """
        if not self._is_prepared:
            self._call_hook("on_epoch_begin")
        self._is_prepared = False
        num_batches = self._source.num_batches()
        if num_batches != expected:
            raise SourceError(
                f"`{self._source.name}` had {expected} batches when the dataset "
                f"was made and has {num_batches} now; a dataset derived from it "
                "cannot change its length: iterate over the dataset itself, or "
                "call `to_dataset` again for this epoch"
            )
        first_batches, self._first_batches = self._first_batches, {}
        if reading.pool.load(self._source):
            first_batches = {}  # they were read from another state of the source
        epoch = self._plan.begin(num_batches)
        return SequenceEpoch(reading, epoch, first_batches, token)

    def end(self) -> None:
        """Calls `on_epoch_end`, when an epoch is complete.

        Raises:
            ReadError: The hook raised.
        """
        self._call_hook("on_epoch_end")

    def _call_hook(self, name: str) -> None:
        try:
            getattr(self._source, name)()
        except Exception as error:  # noqa: BLE001  # it is not always its cause
            raise ReadError(
                f"`{self._source.name}.{name}` raised {summary_of(error)}"
            ) from as_cause(error)
