"""The main loop of a worker process.

A worker has one socket to the training process. It reads the batches that it is asked
for and sends them. It ends when the training process closes the socket.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections import deque
from typing import Any, Callable, NamedTuple, Optional

from seq2data.plan.generator_kinds import State
from seq2data.plan.generator_walk import find_in_attributes, find_own
from seq2data.plan.seeds import FrameworkSeeds, GeneratorStates, seed_generators
from seq2data.workers.child.first_read import MOST_COMPARED_BYTES, FirstRead
from seq2data.workers.child.parent_death import have_forks_die_too
from seq2data.workers.child.sendable import find_unsendable
from seq2data.workers.failures import failure_of
from seq2data.workers.payload.payload import Loaded, load
from seq2data.workers.read_task import read_task
from seq2data.workers.system.capabilities import PASSES_CLOSED_DESCRIPTORS
from seq2data.workers.system.environment import ignore_ctrl_c
from seq2data.workers.system.standard_streams import flush_output
from seq2data.workers.transport.layout import BatchWriter
from seq2data.workers.transport.protocol import TransportWriter
from seq2data.workers.transport.runs import Loan
from seq2data.workers.wire.channel import Channel, DescriptorsLostError
from seq2data.workers.wire.messages import (
    Begin,
    Effect,
    Fork,
    Load,
    LoadFailed,
    Read,
    Result,
)
from seq2data.workers.wire.recall import RecallReader
from seq2data.workers.wire.stacks import offer_stacks

# A worker with two tasks gets a third one when the answer to the first has arrived.
_MOST_ON_THE_WAY = 0 if PASSES_CLOSED_DESCRIPTORS else 2


class Inheritance(NamedTuple):
    """What a worker has from the fork server that forked it.

    Attributes:
        loaded: The source and its random generators.
        version: The payload's.
        pickle_bytes: The length of its pickle.
        make_workers: Continues as a fork server. Takes the worker's channel, this, and
            the first request with its descriptors.
    """

    loaded: Loaded
    version: int
    pickle_bytes: int
    make_workers: Callable[[Channel, Inheritance, Fork, list[int]], None]


class Worker:
    """Reads batches until the training process closes the socket.

    Args:
        channel: The connection to the training process.
        inheritance: None for a worker that has no source yet.
        recalls: Knows which tasks were recalled.
    """

    def __init__(
        self,
        channel: Channel,
        inheritance: Optional[Inheritance],
        recalls: RecallReader,
    ) -> None:
        self._channel = channel
        self._recalls = recalls
        self._inheritance = inheritance
        self._loaded: Optional[Loaded] = None
        self._pickle_bytes = 0
        self._has_read = False
        if inheritance is not None:
            self._loaded = inheritance.loaded
            self._pickle_bytes = inheritance.pickle_bytes
        self._memory: Optional[TransportWriter] = None
        self._sent: deque[list[int]] = deque()
        """The descriptors of answers that may not have arrived."""
        self._frameworks = FrameworkSeeds()

    def run(self) -> None:
        """Returns when the training process has closed the socket."""
        while True:
            try:
                message, descriptors = self._channel.receive()
                if isinstance(message, Fork):
                    self._make_workers(message, descriptors)
                    return
                self._handle(message, descriptors)
            except EOFError:
                return

    def _handle(self, message: Any, descriptors: list[int]) -> None:
        if isinstance(message, Begin):
            self._memory = message.writer()
        elif isinstance(message, DescriptorsLostError):  # only a Load has descriptors
            self._channel.send(LoadFailed(-1, failure_of(message)))
        elif isinstance(message, Load):
            self._load(message, descriptors)
        elif self._loaded is not None:  # else the training process is about to close
            self._answer(message)

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
        self._memory = None
        self._recalls.close()
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
            # The task that reads this batch reports what it raises.
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
        if is_first and index == 0 and self._find_new_generators():
            batch = self._read_once(task, index)  # it has drawn from them
        return batch

    def _find_new_generators(self) -> bool:
        """Adds random generators that the first read made to the source's.

        Returns:
            True if there are any.
        """
        assert self._loaded is not None
        source, known = self._loaded
        if self._pickle_bytes <= MOST_COMPARED_BYTES:
            found = [one.generator for one in find_own(source)]
        else:
            found = find_in_attributes(source)
        self._loaded = Loaded(source, known.joined_by(found, _state_of))
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
        if task.number is not None and not self._recalls.claim(task.number):
            return  # the training process has recalled the task
        assert self._memory is not None
        before = self._read_first(task)
        loan = Loan(task.segment, task.dropped)
        result = read_task(
            lambda index: self._read(task, index),
            task.indices,
            BatchWriter(self._memory, loan, len(task.indices)),
            failure_of,
        )
        # A worker is killed without notice, so what user code printed goes out now.
        flush_output()
        unsendable = find_unsendable(result.runs)
        if unsendable is not None:
            index = task.indices[unsendable.num_batches]
            result = result._replace(
                runs=result.runs[: unsendable.num_runs],
                failure=failure_of(unsendable.error, index),
            )
        self._send(result._replace(effect=self._effect_since(before)))

    def _send(self, result: Result) -> None:
        assert self._memory is not None
        segments, descriptors = self._memory.take_unsent()
        try:
            self._channel.send(result._replace(segments=segments), descriptors)
        finally:
            self._close_arrived(descriptors)

    def _close_arrived(self, descriptors: list[int]) -> None:
        """Closes descriptors that were sent, as soon as that is allowed."""
        self._sent.append(descriptors)
        if len(self._sent) > _MOST_ON_THE_WAY:
            for descriptor in self._sent.popleft():
                os.close(descriptor)


def _state_of(generator: Any) -> State:
    return GeneratorStates([generator]).states[0]


def serve(
    channel: Channel,
    inheritance: Optional[Inheritance],
    recalls: int,
    stacks: int,
) -> None:
    """Runs a worker to its end.

    Functions that user code has registered with `atexit` in this worker are called at
    its end. Those that were registered before, in the fork server or in the training
    process, are not the worker's.
    """
    atexit._clear()
    # AutoGraph writes modules and removes them; their compiled files would stay.
    sys.dont_write_bytecode = True
    offer_stacks(stacks)
    have_forks_die_too()
    Worker(channel, inheritance, RecallReader(recalls)).run()
    call_exit_functions()


def call_exit_functions() -> None:
    """Calls what was registered with `atexit`; Python prints what that raises."""
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
