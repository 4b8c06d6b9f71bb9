"""Gives the iterators over a generator its items, one after the other."""

from __future__ import annotations

import threading
from typing import Optional

from seq2data.errors import SourceError
from seq2data.pipeline.cancellation import CancellationToken
from seq2data.pipeline.engine import Batches, Engine
from seq2data.pipeline.generator_feed import Ended, Feed
from seq2data.pipeline.readers import Reading
from seq2data.source.spec import BatchSpec


class GeneratorEngine(Engine[CancellationToken]):
    """Reads a generator on: every epoch goes on where the last one stopped.

    The position of an iterator is only its token, for the feed has its own position.

    Args:
        reading: Reads the items.
        spec: Every item has to fit it.
        feed: See below.

    Attributes:
        feed: The items, which all iterators share; used under the engine's lock.
        must_go_on: What a user can do about the end of a generator that cannot begin
            again, which is an error then; empty where it may end.
    """

    def __init__(self, reading: Reading, spec: BatchSpec, feed: Feed) -> None:
        super().__init__(reading, spec)
        self.feed = feed
        self.must_go_on = ""
        # Of the iterators that `rewind` ends; None without a mark.
        self._since_mark: Optional[list[CancellationToken]] = None
        # Guards all attributes above. Under it an iterator waits for an item, at most
        # for a moment; no code of the user's runs under it.
        self._lock = threading.Lock()

    def expect(self, *, per_epoch: Optional[int] = None, must_go_on: str = "") -> None:
        """Sets how many batches are wanted from now on; no further one is read.

        Args:
            per_epoch: In each epoch; None where that is unknown.
            must_go_on: See above.
        """
        with self._lock:
            self.must_go_on = must_go_on
            self.feed.most_per_epoch = per_epoch

    def mark(self) -> None:
        """Marks the position; `rewind` ends the iterators that begin from now on."""
        with self._lock:
            self._since_mark = []
            self.feed.mark()

    def rewind(self) -> None:
        """Returns to the mark, if there is one: the next epoch begins there."""
        with self._lock:
            for token in self._since_mark or ():
                token.cancel()
            self._since_mark = None
            self.feed.rewind()

    def _begin(self, num_batches: Optional[int]) -> CancellationToken:
        del num_batches  # a generator has as many as it gives
        token = CancellationToken()
        with self._lock:
            self.feed.begin()
            if self._since_mark is not None:
                self._since_mark.append(token)
        return token

    def _next(self, position: CancellationToken) -> Optional[Batches]:
        feed = self.feed
        with self._lock:
            if position.is_cancelled:
                return 0, []
            item = feed.peek()
            if item is None:
                return None
            if isinstance(item, Ended):
                self._check_end()
                return 0, []
            batches = self._checked(item, feed)
            feed.take()
            return batches

    def _check_end(self) -> None:
        if self.must_go_on and not self.feed.restarts:
            raise SourceError(
                f"`{self.feed.name}` came to its end after {self.feed.index} batches: "
                f"{self.must_go_on}"
            )
