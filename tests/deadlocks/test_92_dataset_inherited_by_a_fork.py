"""A fork of the training process reads the dataset that it has inherited.

The threads that would read it have stayed behind. (gunicorn, `os.fork`)
"""

from __future__ import annotations

import os
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, indices


def read_in_fork(dataset: Any) -> None:
    from seq2data.errors import SourceError

    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        print(indices(dataset), flush=True)
    except SourceError as error:
        print(str(os.getpid()) in str(error), "to_dataset" in str(error), flush=True)
    finally:
        os._exit(0)


def ours() -> None:
    from seq2data import to_dataset

    for use_multiprocessing in (True, False):
        dataset = to_dataset(
            Numbered(), workers=2, use_multiprocessing=use_multiprocessing
        )
        print(indices(dataset), flush=True)
        read_in_fork(dataset)
        print(indices(dataset), flush=True)
    print("refused in the fork, and read on in the parent")


def test_it_is_refused_and_the_parent_reads_on(ours: Outcome) -> None:
    lines = ours.succeed()
    read = str(list(range(12)))
    assert lines[:-1] == [read, "True True", read] * 2
