"""The messages between the training process, the fork server and the workers.

training process -> fork server    Start, Load, Fork
fork server -> training process    Ready, LoadFailed, Forked, ForkFailed, Exited, Fault
training process -> worker         Begin, Load, Read, Fork
worker -> training process         Result, LoadFailed, Fault

A worker that receives Fork becomes a fork server, and sends the messages of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, NamedTuple, Optional, Union

from seq2data.workers.transport.protocol import NewSegments, TransportWriter
from seq2data.workers.transport.runs import Run


@dataclass(frozen=True)
class Start:
    """The first message to a fork server."""

    start_method: str


@dataclass(frozen=True)
class Begin:
    """The first message to a worker.

    Attributes:
        writer: Makes the half of the transport that the worker writes with.
    """

    writer: Callable[[], TransportWriter]


@dataclass(frozen=True)
class Extent:
    """A part of a file in memory, in bytes."""

    file: int
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Load:
    """The source, pickled; the files come as descriptors, in the order of `files`.

    Attributes:
        survives_fork: True if a worker may have it from the fork server; if not, each
            worker loads it.
    """

    version: int
    pickle: Extent
    buffers: tuple[Extent, ...]
    files: tuple[int, ...]
    survives_fork: bool


@dataclass(frozen=True)
class Fork:
    """Asks for a worker like the receiver.

    The worker's socket and its end of the recall pipe come as descriptors.
    """

    worker: int


@dataclass(frozen=True)
class Ready:
    """The fork server has loaded a version of the source."""

    version: int


@dataclass(frozen=True)
class Failure:
    """An exception of user code, or of a batch that cannot be sent.

    Attributes:
        summary: `Type: text` of the exception.
        traceback: Its traceback as text.
        error: The exception; pickled between processes, and None if it cannot be.
        index: The batch, None while loading.
        is_fault: True if the exception is a fault of seq2data.
    """

    summary: str
    traceback: str
    error: Union[bytes, BaseException, None]
    index: Optional[int] = None
    is_fault: bool = False


@dataclass(frozen=True)
class LoadFailed:
    """The fork server or a worker could not load the source."""

    version: int
    failure: Failure


@dataclass(frozen=True)
class Forked:
    """A worker runs.

    Attributes:
        version: The version of the source that it has, -1 if none.
        stacks: Its descriptor for `python_stacks`.
    """

    worker: int
    pid: int
    version: int
    stacks: int


@dataclass(frozen=True)
class ForkFailed:
    """The system has refused a worker."""

    worker: int
    reason: str


@dataclass(frozen=True)
class Exited:
    """A worker has ended.

    Attributes:
        status: An exit code, or minus a signal's number; None where user code in the
            fork server has taken it.
    """

    pid: int
    status: Optional[int]


@dataclass(frozen=True)
class Fault:
    """The sender ends, because of an exception that is not of a batch.

    Attributes:
        text: Where the exception comes from, and its traceback.
    """

    text: str


class Read(NamedTuple):
    """Asks a worker for batches.

    Attributes:
        epoch: The number of the epoch.
        entropy: Seeds each batch's random state; None leaves it alone.
        indices: The batches, in the order in which they are wanted.
        segment: A segment of this worker that it may write into.
        dropped: Segments of this worker that the training process has forgotten.
        first: The epoch in which batch 0 is read beforehand, only for what reading does
            to the source; None if it is not.
        wants_effect: True if the answer has to hold what the first read did.
        number: Its number among the tasks that may be recalled; None if it may not.
    """

    epoch: int
    entropy: Optional[int]
    indices: tuple[int, ...]
    segment: Optional[int] = None
    dropped: tuple[int, ...] = ()
    first: Optional[int] = None
    wants_effect: bool = False
    number: Optional[int] = None


class Effect(NamedTuple):
    """What the first read did in a worker.

    Attributes:
        changes_source: True if the source has changed.
        can_fork: True if other workers may be forked from this one. It has one thread,
            and has opened nothing that two processes could not share.
    """

    changes_source: bool
    can_fork: bool


class Result(NamedTuple):
    """The answer to Read; new segments come as descriptors.

    Attributes:
        runs: The batches read, in order; fewer than asked after a failure or the end.
        seconds: The time that reading and writing took.
        failure: Why the first missing batch is missing.
        is_exhausted: True if a generator had no further item.
        segments: The segments that were made for this answer.
        effect: What the first read did, if that was asked for.
    """

    runs: tuple[Run, ...]
    seconds: float
    failure: Optional[Failure] = None
    is_exhausted: bool = False
    segments: NewSegments = ()
    effect: Optional[Effect] = None
