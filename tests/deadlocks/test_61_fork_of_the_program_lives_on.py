"""The program has forked a child that lives on, and then drops its dataset.

The child holds the program's sockets to the workers, so that these see no end of file
when the program hangs up.
"""

from __future__ import annotations

import gc
import os
import signal
import warnings
from typing import Any

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import Numbered, indices


class Tells(Numbered):
    """Each worker that reads leaves a note when it ends in order."""

    def __getitem__(self, index: int) -> Any:
        import atexit

        if not os.path.exists(f"worker-{os.getpid()}"):
            open(f"worker-{os.getpid()}", "w").close()
            atexit.register(os.remove, f"worker-{os.getpid()}")
        return super().__getitem__(index)


def ours() -> None:
    from seq2data import to_dataset
    from seq2data.workers.processes.fork_server_handle import ForkServerHandle

    statuses = []
    close = ForkServerHandle.close

    def noting(fork_server: ForkServerHandle) -> int:
        statuses.append(close(fork_server))
        return statuses[-1]

    ForkServerHandle.close = noting  # type: ignore[method-assign]
    dataset = to_dataset(Tells(), workers=2)
    print(indices(dataset))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the program has threads
        child = os.fork()
    if child == 0:
        signal.pause()
    try:
        print(indices(dataset))
        threads = _dispatchers()
        del dataset
        gc.collect()
        for thread in threads:
            thread.join()
        print(statuses, [name for name in os.listdir() if name.startswith("worker")])
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print("the workers end in order, and nobody has to kill them")


def _dispatchers() -> list[Any]:
    import threading

    return [each for each in threading.enumerate() if "dispatcher" in each.name]


def test_workers_end_in_order(ours: Outcome) -> None:
    whole = str(list(range(12)))
    assert ours.succeed()[:3] == [whole, whole, "[0] []"]
