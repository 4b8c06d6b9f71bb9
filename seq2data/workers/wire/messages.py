"""What crosses between the parent, the fork server and the workers.

parent -> fork server   Start, Load, Fork           fork server -> parent   Ready, LoadFailed,
                                                                Forked, ForkFailed,
                                                                Exited, Fault
parent -> worker    Load, Read, Fork            worker -> parent    Result,
                                                                LoadFailed, Fault

A worker that is asked to Fork becomes a fork server, and says what a fork server says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Optional

from seq2data.workers.transport.runs import Run


@dataclass(frozen=True)
class Start:
    """First message to a fresh interpreter."""

    start_method: str


@dataclass(frozen=True)
class Extent:
    """A stretch of a file in memory."""

    file: int
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Load:
    """The source, pickled; the files come as descriptors, in the order of `files`.

    Attributes:
        survives_fork: Whether a worker may have it from the fork server; if not, it loads
            for itself.
    """

    version: int
    pickle: Extent
    buffers: tuple[Extent, ...]
    files: tuple[int, ...]
    survives_fork: bool


@dataclass(frozen=True)
class Fork:
    """Asks for a worker like the receiver; its socket and claims are descriptors."""

    worker: int


@dataclass(frozen=True)
class Ready:
    """The fork server has loaded a version of the source."""

    version: int


@dataclass(frozen=True)
class Failure:
    """User code raised, or its batch cannot be sent.

    Attributes:
        summary: `Type: text` of the exception.
        traceback: Its traceback as text.
        error: The exception, pickled; None where it would not survive the journey.
        index: The batch, None while loading.
        is_fault: Whether it is seq2data's own.
    """

    summary: str
    traceback: str
    error: Optional[bytes]
    index: Optional[int] = None
    is_fault: bool = False


@dataclass(frozen=True)
class LoadFailed:
    """The fork server or a worker could not load the source."""

    version: int
    failure: Failure


@dataclass(frozen=True)
class Forked:
    """A worker runs; `stacks` is its descriptor for `python_stacks`."""

    worker: int
    pid: int
    version: int
    stacks: int


@dataclass(frozen=True)
class ForkFailed:
    """The machine refused a worker."""

    worker: int
    reason: str


@dataclass(frozen=True)
class Exited:
    """A worker is gone.

    Attributes:
        status: An exit code, or minus a signal's number; None where user code in the
            fork server has taken it.
    """

    pid: int
    status: Optional[int]


@dataclass(frozen=True)
class Fault:
    """The sender ends with an exception that nobody expected.

    Attributes:
        text: Whose it is, and its traceback.
    """

    text: str


class Read(NamedTuple):
    """Asks a worker for batches.

    Attributes:
        epoch: Number of the pass.
        entropy: Seeds each batch's random state; None leaves it alone.
        indices: Of the batches, in the order in which they are wanted.
        segment: A segment of this worker's that is free to write into.
        dropped: Segments of this worker's that the parent has forgotten.
        first: An epoch, for batch 0 to be read before as it is in that; only for what
            reading does to the source.
        wants_effect: Whether the answer is to tell what the first read did.
        claim: Its number among the tasks that may be taken back; None if it may not.
    """

    epoch: int
    entropy: Optional[int]
    indices: tuple[int, ...]
    segment: Optional[int] = None
    dropped: tuple[int, ...] = ()
    first: Optional[int] = None
    wants_effect: bool = False
    claim: Optional[int] = None


class Effect(NamedTuple):
    """What the first read did in a worker.

    Attributes:
        changes_source: Whether the source is another one since.
        can_fork: Whether other workers may be forked from this one: it has one thread,
            and has opened nothing that two could not share.
    """

    changes_source: bool
    can_fork: bool


class Result(NamedTuple):
    """A worker's answer to Read; new segments come as descriptors.

    Attributes:
        runs: The batches read, in order; fewer than asked after a failure or the end.
        segments: (number, bytes) of segments made for this answer.
        seconds: Spent reading and writing.
        failure: Why the first missing batch is missing.
        is_exhausted: Whether a generator had no further item.
        effect: What the first read did, if that was asked for.
    """

    runs: tuple[Run, ...]
    segments: tuple[tuple[int, int], ...]
    seconds: float
    failure: Optional[Failure] = None
    is_exhausted: bool = False
    effect: Optional[Effect] = None
