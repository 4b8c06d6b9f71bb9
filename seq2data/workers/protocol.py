"""What every kind of worker offers to the pipeline: the `Pool`.

A pool reads tasks of one source. The kinds differ in where they read, and in nothing
else:

* A task is read by one worker, its batches in their order. Tasks begin in the order in
  which they were submitted; they end in any order.
* Each task's future ends, in a TaskResult or cancelled. `close` ends the futures that
  are left.
* A task whose worker dies is read again by another worker if it is repeatable, at most
  `MOST_ATTEMPTS` times. Then its future ends in a WorkerCrashError.
* The first read of a source may change it. All workers read from a source that one
  first read has left: see `processes/first_read_policy.py` and `threads/first_task.py`.
* With `Task.entropy`, what a batch draws from random generators depends on (entropy,
  epoch, index) alone.

`load` and `submit` are called by one thread at a time. `reader_of`, `starter`,
`abandon` and `close` may be called by any thread at any moment; `close(wait=False)` is
called by finalizers and takes no lock that user code or another thread may hold.

To add a kind of worker, read this file and `threads/pool.py`, write one file, and
choose it in `pipeline/readers.py`. `tests/workers/test_protocol.py` holds it to these
rules.
"""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional, Protocol

from seq2data.workers.task import Task

MOST_ATTEMPTS = 4
"""A batch that has killed four workers in a row would kill the fifth, too."""


class Reader(NamedTuple):
    """The process or thread that reads a task, or that starts workers.

    Attributes:
        pid: Its process; the caller's own for a thread.
        since: When it began, on `time.monotonic`.
        stacks: Returns its Python stacks as text.
        is_loading: True if it imports what the source needs, which may take long.
    """

    pid: int
    since: float
    stacks: Callable[[], str]
    is_loading: bool = False


class Pool(Protocol):
    """Reads tasks of one source.

    Attributes:
        readers: The number and kind of its workers, such as `8 processes`.
        shares_generators: True if batches are read in this process, from the same
            random generators as the program uses.
    """

    readers: str
    shares_generators: bool

    def load(self, source: object) -> bool:
        """Makes later tasks read the source as it is now.

        Returns:
            True if the source has changed since the last call.

        Raises:
            PayloadError: It cannot be sent to the workers.
        """

    def submit(self, task: Task) -> None:
        """Queues a task; its future ends in any case."""

    def reader_of(self, task: Task) -> Optional[Reader]:
        """Returns what is reading a task; None if the task waits or has ended."""

    def starter(self) -> Optional[Reader]:
        """Returns what is starting workers; None if nothing is."""

    def abandon(self, task: Task) -> None:
        """Gives a task up whose result is not waited for.

        A worker that is reading it is replaced; what it has read is lost.
        """

    def close(self, wait: bool = True) -> None:
        """Ends all workers, and the futures of the tasks that are left."""
