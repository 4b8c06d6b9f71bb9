"""Every worker process reads a copy of the generator.

keras PR 6891, keras PR 7118: Keras 2 forks the generator into each worker, so batches
come several times and out of order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

from tests.deadlocks.program import Outcome
from tests.deadlocks.scenario import fit_legacy, recorder
from tests.keras_version import IS_KERAS_3

STEPS, WORKERS = 24, 4


def endless() -> Iterator[Any]:
    """Batches that tell their number, and the process that read them."""
    for number in count():
        yield np.full((2, 1), number, np.float32), np.full((2, 1), os.getpid(), "i8")


def ours() -> None:
    from seq2data import to_dataset

    for use_multiprocessing in True, False:
        for source in endless, endless():
            dataset = to_dataset(
                source, workers=WORKERS, use_multiprocessing=use_multiprocessing
            )
            model = recorder()
            model.fit(dataset, steps_per_epoch=STEPS, verbose=0)
            pids = {int(pid[0, 0]) for _, pid in dataset.take(STEPS)}
            is_elsewhere = os.getpid() not in pids
            print(model.seen == list(range(STEPS)), len(pids), is_elsewhere)
    print("one reader, in order")


def legacy() -> None:
    seen = fit_legacy(
        (item for item in endless()), workers=WORKERS, steps_per_epoch=STEPS
    ).seen
    print(seen)
    if not IS_KERAS_3:
        print(f"{STEPS - len(set(seen))} of {STEPS} batches are duplicates")
    else:
        print("no workers for generators" if seen == list(range(STEPS)) else "disorder")


def test_generator_has_one_reader(ours: Outcome) -> None:
    in_process, in_thread = "True 1 True", "True 1 False"
    assert ours.succeed()[:-1] == [in_process, in_thread, in_thread, in_thread]


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert int(legacy.summary.split()[0]) > 0
    else:
        assert legacy.summary == "no workers for generators"
