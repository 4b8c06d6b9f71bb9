"""Loading the source changes what its process does with signals, then a worker dies.

A module that says `signal.signal(SIGCHLD, SIG_IGN)` against zombies, runs an event loop
or waits for any child takes away how deaths of child processes are usually noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, indices


def ignore() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def wait_for_any() -> None:
    def reap(*_: Any) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    signal.signal(signal.SIGCHLD, reap)


def event_loop() -> None:
    async def nothing() -> None:
        await asyncio.sleep(0)

    asyncio.run(nothing())


def no_wakeup() -> None:
    signal.set_wakeup_fd(-1)


def other_wakeup() -> None:
    _, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)


def block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def usual_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def waiting_thread() -> None:
    """Steals the statuses of all children, and forbids the process to fork."""

    def reap() -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    child = os.fork()
    if child == 0:
        signal.pause()
        os._exit(0)
    threading.Thread(target=reap, daemon=True).start()


HABITS = (
    *(ignore, wait_for_any, event_loop, no_wakeup, other_wakeup, block),
    *(usual_ctrl_c, waiting_thread),
)


class KilledOnce(Numbered):
    """Loading it does what a module may do; the first reader of batch 5 is killed."""

    def __init__(self, habit: Any) -> None:
        super().__init__()
        self.habit = habit
        self.marker = f"killed-{habit.__name__}"

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.habit()

    def __getitem__(self, index: int) -> Any:
        if index == 5 and not os.path.exists(self.marker):
            open(self.marker, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class KilledAlways(KilledOnce):
    """Kills each worker that reads batch 5."""

    def __getitem__(self, index: int) -> Any:
        if index == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)


class Handlers(KilledOnce):
    """Its batches tell whether workers have the handler that the module has set."""

    def __getitem__(self, index: int) -> Any:
        x, y = Numbered.__getitem__(self, index)
        return x, y + (signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN)


def ours() -> None:
    from seq2data import to_dataset

    for habit in HABITS:
        print(habit.__name__, indices(to_dataset(KilledOnce(habit), workers=2)))
    for habit in ignore, waiting_thread:
        try:
            indices(to_dataset(KilledAlways(habit), workers=2))
        except Exception as error:  # noqa: BLE001  # TensorFlow makes a text of it
            text = str(error)
            print(habit.__name__, "batch 5 of `KilledAlways`" in text, "4 in a" in text)
    ignored = {float(y.numpy().max()) for _, y in to_dataset(Handlers(ignore))}
    print(ignored)
    print("every batch once; an error where it kills each worker")


def test_death_is_noticed(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:8] == [f"{habit.__name__} {list(range(12))}" for habit in HABITS]
    assert lines[8:11] == ["ignore True True", "waiting_thread True True", "{1.0}"]
