"""A whole container is killed at once, or another program attaches to shared memory.

cpython#82300: whoever attaches to a named segment registers it with a tracker that
unlinks it under its owner; and when all are killed at once, nobody unlinks anything.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import Program
from tests.deadlocks.scenario import Numbered


class Large(Numbered):
    """4 MiB a batch."""

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 2**19), index, np.float32), np.full((2, 1), index)


def ours() -> None:
    from seq2data import to_dataset

    names_before = set(os.listdir("/dev/shm"))
    dataset = to_dataset(Large(), workers=2)
    while True:
        kept = [x for x, _ in dataset]
        with open("/proc/self/maps") as maps:
            segments = re.findall(r"/memfd:seq2data \(deleted\)", maps.read())
        names = set(os.listdir("/dev/shm")) - names_before
        names = {name for name in names if "seq2data" in name}
        print("without names:", len(segments) >= len(kept) > 0, len(names), flush=True)


def legacy() -> None:
    memory = SharedMemory(create=True, size=2**20)
    attach = "from multiprocessing.shared_memory import SharedMemory as Memory;"
    attach += f"Memory({memory.name!r}).close()"
    subprocess.run([sys.executable, "-c", attach], check=True, capture_output=True)
    print("lost:", not Path("/dev/shm", memory.name).exists())
    memory = SharedMemory(create=True, size=2**20)
    print("made:", memory.name, flush=True)
    signal.pause()


def test_nothing_is_left_by_a_kill_of_all(
    start: Callable[..., Program], record: Callable[..., None]
) -> None:
    program = start()
    assert program.wait_for_line("without names:") == "without names: True 0"
    program.kill()
    outcome = program.finish(10)
    assert outcome.code == -signal.SIGKILL
    assert not outcome.left
    record("seq2data", dataclasses.replace(outcome, code=0, lines=["nothing left"]))


def test_legacy(start: Callable[..., Program], record: Callable[..., None]) -> None:
    program = start("legacy")
    left = Path("/dev/shm", program.wait_for_line("made:").split()[1])
    program.kill()
    outcome = program.finish(10)
    is_left = left.exists()
    left.unlink(missing_ok=True)
    assert outcome.lines[0] == "lost: True"  # Python 3.13 can be told not to
    assert is_left
    summary = "unlinked by a stranger, left by a kill of all"
    record("legacy", dataclasses.replace(outcome, code=0, lines=[summary]))
