"""The process may have 64 files, no further process, no larger file or no more memory.

What scripts do to their process, 4: batch systems and containers set such limits. What
does not fit is an error in one sentence, which names the limit and what is needed.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from tests.deadlocks.habits import (
    Numbered,
    assert_all_right,
    is_for_all,  # noqa: F401  # the condition below calls it
    may_mount,  # noqa: F401  # the same
    report,
    report_error,
    run,
    run_opened,
)
from tests.deadlocks.program import Outcome

# A user of this program's own: a limit counts all processes of a user.
_NOBODY = 100_000 + os.getpid()


class Large(Numbered):
    """4.8 MB a batch, which a process of its own maps."""

    def __getitem__(self, index: int) -> Any:
        return np.full((4, 300_000), index, np.float32)


def limit(name: int, soft: int) -> None:
    resource.setrlimit(name, (soft, resource.getrlimit(name)[1]))


def address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def files() -> None:
    limit(resource.RLIMIT_NOFILE, 64)
    report("64 open files", Large())
    limit(resource.RLIMIT_NOFILE, 1 + max(map(int, os.listdir("/proc/self/fd"))) + 4)
    report_error("4 more files", "`ulimit -n` allows", "are needed: raise it")


def sizes() -> None:
    limit(resource.RLIMIT_FSIZE, 2000)  # what is printed goes to files, too
    report_error(
        "2,000 bytes in a file", "`ulimit -f` allows 2,000", "are needed: raise it"
    )
    limit(resource.RLIMIT_FSIZE, 16 << 20)
    report("16 MB in a file", Large())
    limit(resource.RLIMIT_AS, address_space() + (400 << 20))
    report("400 MB more of address space", Large())


def processes() -> None:
    run_opened(processes_of_nobody)


def processes_of_nobody() -> None:
    import seq2data.source.adapt
    import seq2data.workers.processes.pool  # noqa: F401  # nobody may not list every folder

    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    there = threads_of_nobody()
    report("nobody")
    words = "`ulimit -u` allows", "are needed: raise it, or pass fewer"
    for more in range(3):  # a thread and a process and its workers
        limit(resource.RLIMIT_NPROC, there + more)
        report_error(f"{more} more processes and threads", *words, workers=4)
    limit(resource.RLIMIT_NPROC, there + 3)
    report("one worker instead of two", Numbered())


def threads_of_nobody() -> int:
    found = [path.read_text() for path in Path("/proc").glob("[0-9]*/status")]
    mine = [text for text in found if re.search(rf"^Uid:\t{_NOBODY}\t", text, re.M)]
    return sum(int(re.findall(r"^Threads:\t(\d+)$", t, re.M)[0]) for t in mine)


def ours() -> None:
    """The error comes from the call that makes the dataset."""
    from seq2data import WorkerCrashError, to_dataset

    highest = max(map(int, os.listdir("/proc/self/fd")))
    limit(resource.RLIMIT_NOFILE, highest + 6)
    kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
    try:
        to_dataset(Numbered(), workers=2)
    except (OSError, WorkerCrashError) as error:
        print(re.sub(r"\d+", "N", str(error)))
    for descriptor in kept:
        os.close(descriptor)
    limit(resource.RLIMIT_NOFILE, highest + 60)
    batches = [int(batch.numpy()[0, 0]) for batch in to_dataset(Numbered(), workers=2)]
    print(batches == list(range(12)))


def test_files(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, files), 2)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_sizes(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, sizes), 3)


@pytest.mark.skipif(
    "os.getuid() != 0 or not may_mount() or not is_for_all()",
    reason="needs root, to become nobody, who has to read this checkout",
)
def test_processes_of_a_user_that_is_not_root(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    # A fork ends the threads of OpenBLAS, which would count otherwise.
    outcome = run(tmp_path, processes, OPENBLAS_NUM_THREADS="1")
    record("seq2data", outcome)
    assert_all_right(outcome, 5)


def test_the_call_says_what_is_needed(ours: Outcome) -> None:
    error, is_right = ours.succeed()
    assert error.endswith(
        "`ulimit -n` allows N open files, and N are needed: raise it, or pass fewer "
        "`workers`"
    )
    assert is_right == "True"
