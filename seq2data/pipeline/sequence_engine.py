"""Gives each iterator over an indexable source its epoch.

The hooks of the source run in a thread of their own, one at a time. An iterator that
waits for one has no batch yet: it waits at its first pull for `on_epoch_begin`, and
keeps its last batch back until `on_epoch_end` has returned.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Callable, Optional, TypeVar

from seq2data.errors import ReadError
from seq2data.pipeline.cancellation import CancellationToken
from seq2data.pipeline.engine import Batches, Engine
from seq2data.pipeline.epoch_boundary import EpochBoundary
from seq2data.pipeline.hook_thread import HookCall, HookThread
from seq2data.pipeline.readers import Reading
from seq2data.pipeline.sequence_epoch import SequenceEpoch
from seq2data.source.spec import BatchSpec

_T = TypeVar("_T")


class SequencePosition:
    """The place of one iterator; its pulls use it, one after the other.

    Attributes:
        num_batches: How many the iterator's dataset has.
        token: Cancelled when the iterator is gone, in whatever thread.
        epoch: None until it has begun.
        beginning: The call that begins the epoch, until it has ended.
        last: The last batch, once it was read.
        ending: The call of `on_epoch_end`, until it has ended.
    """

    def __init__(self, num_batches: Optional[int]) -> None:
        self.num_batches = num_batches
        self.token = CancellationToken()
        self.epoch: Optional[SequenceEpoch] = None
        self.beginning: Optional[HookCall[Optional[SequenceEpoch]]] = None
        self.last: Optional[Batches] = None
        self.ending: Optional[HookCall[None]] = None

    def cancel(self) -> None:
        """Drops tasks and hooks that have not begun; takes no lock."""
        self.token.cancel()


class IndexableEngine(Engine[SequencePosition]):
    """Reads an indexable source by index, from the start in every epoch.

    Args:
        reading: Reads the batches.
        spec: Every batch has to fit it.
        most_per_pull: 1, or more where several batches may be handed over at once.
        boundary: Begins and ends the epochs. Once there is an engine, only its hook
            thread calls `begin` and `end`.
        hooks: The hook thread, which the engine owns.

    Attributes:
        most_per_pull: See above.
        boundary: See above.
    """

    def __init__(
        self,
        reading: Reading,
        spec: BatchSpec,
        most_per_pull: int,
        boundary: EpochBoundary,
        hooks: HookThread,
    ) -> None:
        super().__init__(reading, spec)
        self.most_per_pull = most_per_pull
        self.boundary = boundary
        self._hooks = hooks
        weakref.finalize(self, hooks.close).atexit = False

    def _begin(self, num_batches: Optional[int]) -> SequencePosition:
        return SequencePosition(num_batches)

    def _next(self, position: SequencePosition) -> Optional[Batches]:
        if position.last is not None:
            return self._last_batch(position)
        epoch = position.epoch or self._begun_epoch(position)
        if epoch is None:
            return None
        # The last batch goes alone: a consumer that asks for it completes the epoch.
        before_last = epoch.num_left - 1
        run = epoch.take(max(1, min(before_last, self.most_per_pull)))
        if run is None:
            return None
        is_last = epoch.num_left == 0
        batches = self._checked(run, epoch)
        if not is_last:
            return batches
        position.last = batches
        end = partial(_unless_cancelled, position.token, self.boundary.end)
        name = f"`{self._reading.name}.on_epoch_end`"
        position.ending = self._hooks.submit(name, end)
        return self._last_batch(position)

    def _begun_epoch(self, position: SequencePosition) -> Optional[SequenceEpoch]:
        """Returns the iterator's epoch, None if it has not begun after a moment.

        Where a hook has raised, the next pull begins the epoch again.
        """
        if position.beginning is None:
            begin = partial(
                self.boundary.begin, self._reading, position.num_batches, position.token
            )
            position.beginning = self._hooks.submit(
                f"the beginning of an epoch of `{self._reading.name}`",
                partial(_unless_cancelled, position.token, begin),
            )
        if not position.beginning.has_ended():
            return None
        call, position.beginning = position.beginning, None
        position.epoch = call.result()
        return position.epoch

    def _last_batch(self, position: SequencePosition) -> Optional[Batches]:
        """Returns the last batch, None while `on_epoch_end` runs."""
        if position.ending is None:
            raise ReadError("this epoch has ended in an error of `on_epoch_end`")
        if not position.ending.has_ended():
            return None
        call, position.ending = position.ending, None
        call.result()
        last, position.last = position.last, None
        return last


def _unless_cancelled(token: CancellationToken, call: Callable[[], _T]) -> Optional[_T]:
    """Calls a hook whose turn has come, unless its iterator is gone by now."""
    return None if token.is_cancelled else call()
