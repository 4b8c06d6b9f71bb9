"""A worker dies and leaves a child behind, which holds all that it held.

End of file never comes to who waits for it, and `multiprocessing` waits for it, too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, batch, indices

_LONG = "import time; time.sleep(600)"


def shell() -> None:
    os.system("sleep 600 & echo $! > left")


def pipe() -> None:
    child = os.popen("sleep 600 & echo $!")
    note(int(child.readline()))


def fork() -> None:
    if os.fork() == 0:
        signal.pause()


def fork_in_thread() -> None:
    pids: list[int] = []

    def run() -> None:
        pid = os.fork()
        if pid == 0:
            signal.pause()
        pids.append(pid)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    note(pids[0])


def process() -> None:
    context = multiprocessing.get_context("fork")
    context.Process(target=signal.pause).start()


def inheriting() -> None:
    child = subprocess.Popen([sys.executable, "-c", _LONG], close_fds=False)
    note(child.pid)


def note(pid: int) -> None:
    with open("left", "w") as file:
        file.write(str(pid))


HABITS = (shell, pipe, fork, fork_in_thread, process, inheriting)


class KilledOnce(Numbered):
    """The first worker that reads batch 5 leaves a child behind, and is killed."""

    def __init__(self, habit: Any) -> None:
        super().__init__()
        self.habit = habit
        self.marker = f"killed-{habit.__name__}"

    def __getitem__(self, index: int) -> Any:
        if index == 5 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            self.habit()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


def killed_generator() -> Iterator[Any]:
    for index in range(5):
        yield batch(index)
    fork_in_thread()
    os.kill(os.getpid(), signal.SIGKILL)
    yield batch(5)


def end_left_child() -> None:
    """What `exec` or another thread has made is the user's, and lives on."""
    if os.path.exists("left"):
        with open("left") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        os.remove("left")


def ours() -> None:
    from seq2data import to_dataset
    from seq2data.errors import WorkerCrashError

    for habit in HABITS:
        try:
            print(habit.__name__, indices(to_dataset(KilledOnce(habit), workers=2)))
        finally:
            end_left_child()
    seen = []
    try:
        for x, _ in to_dataset(killed_generator, use_multiprocessing=True):
            seen.append(int(np.asarray(x).flat[0]))
    except Exception as error:  # noqa: BLE001  # TensorFlow makes a text of it
        print(seen, WorkerCrashError.__name__ in str(error), "SIGKILL" in str(error))
    finally:
        end_left_child()
    print("every batch once, or an error where none can be read again")


def test_death_is_seen_all_the_same(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:-2] == [f"{habit.__name__} {list(range(12))}" for habit in HABITS]
    assert lines[-2] == f"{list(range(5))} True True"
