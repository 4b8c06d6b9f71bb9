"""Workers of epoch after epoch report to a queue that is never read.

No issue is known. Keras makes a pool per epoch, and each of its workers puts its pid on
one global queue; when that pipe is full, workers should not be able to end.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Callable

from tests.deadlocks.program import Outcome, Program
from tests.deadlocks.scenario import Numbered, fit_legacy, indices
from tests.keras_version import KERAS_VERSION
from tests.leaks import ours as processes_and_descriptors

EPOCHS, WORKERS, BATCHES = 500, 16, 16
LEGACY_WORKERS = 8
# Keras 2 waits 5 s at the end of each.
LEGACY_EPOCHS = {2: 3, 3: 20}
LEGACY_S = 120.0


def ours() -> None:
    from seq2data import to_dataset

    dataset = to_dataset(Numbered(BATCHES), workers=WORKERS)
    counts = set()
    for epoch in range(EPOCHS):
        assert indices(dataset) == list(range(BATCHES))
        processes = sum("process" in name for name in processes_and_descriptors())
        if epoch >= 10:  # workers come when there is work
            counts.add((processes, len(os.listdir("/proc/self/fd"))))
    processes = max(number for number, _ in counts)
    print("at most the workers and their fork server:", processes <= WORKERS + 1)
    descriptors = [number for _, number in counts]
    print("no more descriptors:", max(descriptors) - min(descriptors) <= 2 * WORKERS)
    print(f"{EPOCHS} epochs, the same processes")


def legacy() -> None:
    epochs = LEGACY_EPOCHS[KERAS_VERSION[0]]
    fit_legacy(Numbered(8), workers=LEGACY_WORKERS, epochs=epochs)
    deadline = time.monotonic() + 5
    while _reports() < epochs * LEGACY_WORKERS and time.monotonic() < deadline:
        time.sleep(0.1)
    print(f"{_reports()} reports of {epochs} epochs, which nobody reads")


def _reports() -> int:
    """How many pids the queue holds."""
    name = {
        2: "keras.src.utils.data_utils",
        3: "keras.src.trainers.data_adapters.py_dataset_adapter",
    }[KERAS_VERSION[0]]
    module: Any = sys.modules[name]
    return int(module.get_worker_id_queue().qsize())


def test_processes_stay_the_same(
    start: Callable[..., Program], record: Callable[..., None]
) -> None:
    outcome = start().finish(300)
    record("seq2data", outcome)
    lines = outcome.succeed()
    assert lines[0] == "at most the workers and their fork server: True"
    assert lines[1] == "no more descriptors: True"


def test_legacy(legacy: Outcome) -> None:
    # It grows as the cause says; that it blocks somebody was never seen.
    words = legacy.summary.split()
    assert words[1:3] == ["reports", "of"], legacy.errors
    # Some workers are ended before they have reported.
    assert int(words[0]) >= int(words[3]) * LEGACY_WORKERS / 2
