"""The only code that runs in a worker process.

A worker has one socket to the parent. It reads what it is asked for and answers; end of
file tells it that the parent wants it no more.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections import deque
from typing import Any, Callable, NamedTuple, Optional

from seq2data.plan.generator_walk import find_in_attributes, find_own
from seq2data.plan.seeds import FrameworkSeeds, seed_generators
from seq2data.workers.child.first_read import MOST_COMPARED_BYTES, FirstRead
from seq2data.workers.child.parent_death import have_forks_die_too
from seq2data.workers.child.sendable import find_unsendable
from seq2data.workers.failures import failure_of
from seq2data.workers.payload.payload import Loaded, load
from seq2data.workers.read_task import read_batches
from seq2data.workers.system.capabilities import PASSES_CLOSED_DESCRIPTORS
from seq2data.workers.system.environment import ignore_ctrl_c
from seq2data.workers.system.standard_streams import flush_output
from seq2data.workers.threads.random_state import state_of
from seq2data.workers.transport.layout import BatchWriter
from seq2data.workers.transport.segments import SegmentStore
from seq2data.workers.wire.channel import Channel, DescriptorsLostError
from seq2data.workers.wire.messages import Effect, Fork, Load, LoadFailed, Read, Result
from seq2data.workers.wire.recall import RecallReader
from seq2data.workers.wire.stacks import offer_stacks

# Who has two tasks gets a third one when the first one's answer has arrived.
_MOST_ON_THE_WAY = 0 if PASSES_CLOSED_DESCRIPTORS else 2


class Inheritance(NamedTuple):
    """What a worker has from the fork server that forked it.

    Attributes:
        loaded: The source and its random generators.
        version: The payload's.
        pickle_bytes: The length of its pickle.
        make_workers: Goes on as a fork server, with the worker's channel, this, and a first
            request and its descriptors.
    """

    loaded: Loaded
    version: int
    pickle_bytes: int
    make_workers: Callable[[Channel, Inheritance, Fork, list[int]], None]


class Worker:
    """Serves one parent until it hangs up.

    Args:
        channel: To the parent.
        inheritance: None for a worker that has nothing yet.
        claims: Tells which of the tasks that have waited are to be read.
    """

    def __init__(
        self,
        channel: Channel,
        inheritance: Optional[Inheritance],
        claims: RecallReader,
    ) -> None:
        self._channel = channel
        self._claims = claims
        self._inheritance = inheritance
        self._loaded: Optional[Loaded] = None
        self._pickle_bytes = 0
        self._has_read = False
        if inheritance is not None:
            self._loaded = inheritance.loaded
            self._pickle_bytes = inheritance.pickle_bytes
        self._segments = SegmentStore()
        self._sent: deque[list[int]] = deque()
        """The descriptors of answers that may not have arrived."""
        self._frameworks = FrameworkSeeds()

    def run(self) -> None:
        """Returns when the parent hangs up."""
        while True:
            try:
                message, descriptors = self._channel.receive()
                if isinstance(message, DescriptorsLostError):  # only a Load has some
                    self._channel.send(LoadFailed(-1, failure_of(message)))
                elif isinstance(message, Load):
                    self._load(message, descriptors)
                elif isinstance(message, Fork):
                    self._make_workers(message, descriptors)
                    return
                elif self._loaded is not None:  # else the parent is hanging up
                    self._answer(message)
            except EOFError:
                return

    def _load(self, message: Load, descriptors: list[int]) -> None:
        self._inheritance = self._loaded = None
        self._pickle_bytes = message.pickle.nbytes
        self._has_read = False
        try:
            self._loaded = load(message, descriptors)
        except BaseException as error:  # noqa: BLE001  # user code; the parent decides
            self._channel.send(LoadFailed(message.version, failure_of(error)))
        finally:
            ignore_ctrl_c()

    def _make_workers(self, request: Fork, descriptors: list[int]) -> None:
        """Becomes a fork server, whose workers start from the source as it is here."""
        assert self._inheritance is not None
        self._segments = SegmentStore()
        self._claims.close()
        self._inheritance.make_workers(
            self._channel, self._inheritance, request, descriptors
        )

    def _read_first(self, task: Read) -> Optional[FirstRead]:
        """Reads for the effect alone, if that is wanted."""
        before = None
        if task.wants_effect:
            assert self._loaded is not None
            before = FirstRead(self._loaded.source, self._pickle_bytes)
        if task.first is not None:
            # What it raises is reported by whoever reads this batch for itself.
            with contextlib.suppress(BaseException):
                self._read(task._replace(epoch=task.first), 0)
        return before

    def _effect_since(self, before: Optional[FirstRead]) -> Optional[Effect]:
        if before is None:
            return None
        return before.effect(can_fork=self._inheritance is not None)

    def _read(self, task: Read, index: int) -> Any:
        batch = self._read_once(task, index)
        is_first, self._has_read = not self._has_read, True
        if is_first and index == 0 and self._has_made_generators():
            batch = self._read_once(task, index)  # it has drawn from them
        return batch

    def _has_made_generators(self) -> bool:
        """Whether the first read made random generators; they are the source's now."""
        assert self._loaded is not None
        source, known = self._loaded
        if self._pickle_bytes <= MOST_COMPARED_BYTES:
            found = [one.generator for one in find_own(source)]
        else:
            found = find_in_attributes(source)
        self._loaded = Loaded(source, known.joined_by(found, state_of))
        if self._inheritance is not None:
            self._inheritance = self._inheritance._replace(loaded=self._loaded)
        return self._loaded.generators.has_more_than(known)

    def _read_once(self, task: Read, index: int) -> Any:
        assert self._loaded is not None
        source, generators = self._loaded
        if task.entropy is not None:
            seed_generators(task.entropy, task.epoch, index)
            self._frameworks.seed(task.entropy, task.epoch, index)
            generators.seed(task.entropy, task.epoch, index)
        return source.read(index)

    def _answer(self, task: Read) -> None:
        self._segments.drop(task.dropped)
        if task.claim is not None and not self._claims.is_mine(task.claim):
            return  # another worker has it
        before = self._read_first(task)
        writer = BatchWriter(self._segments, task.segment, len(task.indices))
        reading = read_batches(
            lambda index: self._read(task, index), task.indices, writer
        )
        # A worker is killed without notice; what was printed is to be out by then.
        flush_output()
        runs, failure = reading.runs, None
        unsendable = find_unsendable(runs)
        if unsendable is not None:
            runs = runs[: unsendable.num_runs]
            index = task.indices[unsendable.num_batches]
            failure = failure_of(unsendable.error, index)
        elif reading.error is not None:
            failure = failure_of(reading.error, reading.error_index)
        segments, descriptors = self._segments.take_unsent()
        result = Result(
            runs,
            segments,
            reading.seconds,
            failure,
            reading.is_exhausted,
            self._effect_since(before),
        )
        try:
            self._channel.send(result, descriptors)
        finally:
            self._release(descriptors)

    def _release(self, descriptors: list[int]) -> None:
        """Closes what was sent, as soon as it may be."""
        self._sent.append(descriptors)
        if len(self._sent) > _MOST_ON_THE_WAY:
            for descriptor in self._sent.popleft():
                os.close(descriptor)


def serve(
    channel: Channel,
    inheritance: Optional[Inheritance],
    claims: int,
    stacks: int,
) -> None:
    """Runs a worker, to its end.

    What user code registered with `atexit` in this worker is called at its end; what it
    registered before, in the fork server or in the parent, is not the worker's.
    """
    atexit._clear()
    # AutoGraph writes modules and removes them; what is compiled of them would stay.
    sys.dont_write_bytecode = True
    offer_stacks(stacks)
    have_forks_die_too()
    Worker(channel, inheritance, RecallReader(claims)).run()
    call_exit_functions()


def call_exit_functions() -> None:
    """Calls what was registered with `atexit`; Python prints what that raises."""
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
