"""What every kind of worker offers to the pipeline."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Protocol

from seq2data.workers.task import Task


class Reader(NamedTuple):
    """Who reads a task.

    Attributes:
        pid: Its process; the caller's own for a thread.
        since: When it began, on `time.monotonic`.
        stacks: Gives its Python stack as text.
        is_loading: Whether it imports what the source needs, which may take long.
    """

    pid: int
    since: float
    stacks: Callable[[], str]
    is_loading: bool = False


class Pool(Protocol):
    """Reads tasks; processes, threads and the caller's own process look the same.

    Attributes:
        readers: Who reads, such as `8 processes`.
        shares_generators: True if what it reads draws from the random generators of
            the calling process.
    """

    readers: str
    shares_generators: bool

    def load(self, source: object) -> bool:
        """Makes later tasks see the source as it is now; whether it has changed."""

    def submit(self, task: Task) -> None:
        """Queues a task; tasks start in the order in which they were submitted."""

    def reader_of(self, task: Task) -> Optional[Reader]:
        """Who is reading a task, None if nobody is."""

    def starter(self) -> Optional[Reader]:
        """Who is starting workers, None if nobody is."""

    def abandon(self, task: Task) -> None:
        """Takes a task away from who reads it, whose work is lost."""

    def close(self, wait: bool = True) -> None:
        """Ends all workers; tasks that are left end in an error."""
