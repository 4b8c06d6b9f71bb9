"""The program has set a default timeout for sockets.

What scripts do to their process, 5: every script that downloads says
`socket.setdefaulttimeout`. Sockets made afterwards do not block, also those of others.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.deadlocks.habits import METHODS, Numbered, read, run
from tests.deadlocks.program import Outcome

_TIMEOUTS = (2.0, 0.5, 0.01)


class Slow(Numbered):
    """Batches that tell who read them, and take longer than the shortest timeout."""

    def __getitem__(self, index: int) -> Any:
        time.sleep(0.03)
        return np.array([index, os.getpid()])


def workers() -> None:
    for seconds in _TIMEOUTS:
        socket.setdefaulttimeout(seconds)
        for method in METHODS:
            found = read(Slow(), method, epochs=2)
            indices = [int(index) for index, _ in found]
            pids = {int(pid) for _, pid in found}
            print(indices == 2 * list(range(12)), len(pids) <= 2)


def ours() -> None:
    from seq2data import to_dataset

    for seconds in _TIMEOUTS:
        socket.setdefaulttimeout(seconds)
        dataset = to_dataset(Slow(), workers=2)
        found = []
        for _ in range(2):
            for batch in dataset:
                found.append(batch.numpy())
            time.sleep(0.06)  # the workers have nothing to do for that long
        indices = [int(index) for index, _ in found]
        print(indices == 2 * list(range(12)), len({int(pid) for _, pid in found}))


def test_idle_workers_stay(tmp_path: Path) -> None:
    outcome = run(tmp_path, workers)
    assert outcome.succeed() == ["True True"] * len(_TIMEOUTS) * len(METHODS)


def test_a_dataset_keeps_its_workers(ours: Outcome) -> None:
    for line in ours.succeed():
        is_right, num_pids = line.split()
        assert is_right == "True"
        assert int(num_pids) <= 2
