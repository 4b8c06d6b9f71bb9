"""The training runs in a daemonic process (a Celery task, a job of a pool).

celery#1709: such a process may have no children by `multiprocessing`. Keras 2 finds out
in the helper thread that makes its pool, and waits; Keras 3 refuses.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys

from tests.deadlocks.program import HANGS, Outcome
from tests.deadlocks.scenario import Numbered, fit_legacy, indices, recorder
from tests.keras_version import IS_KERAS_3

# TensorFlow is imported once more, in the daemonic process.
LEGACY_S = 60.0
REFUSAL = "daemonic processes are not allowed to have children"


def ours() -> None:
    run_in_daemonic_process("train")
    print("every batch once, in order")


def legacy() -> None:
    run_in_daemonic_process("train_legacy")


def run_in_daemonic_process(function: str) -> None:
    """Forks early, as Celery does: this process has TensorFlow's threads already."""
    code = f"from {__name__} import fork_daemonic; fork_daemonic({function!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


def fork_daemonic(function: str) -> None:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=globals()[function], daemon=True)
    process.start()
    process.join()
    sys.exit(process.exitcode)


def train() -> None:
    from seq2data import to_dataset

    print(multiprocessing.current_process().daemon, flush=True)
    dataset = to_dataset(Numbered(), workers=2)
    print(indices(dataset), flush=True)
    model = recorder()
    model.fit(dataset, epochs=2, verbose=0)
    print(list(model.seen), flush=True)


def train_legacy() -> None:
    try:
        print(list(fit_legacy(Numbered()).seen))
    except Exception as error:  # Keras 3 wraps it
        if REFUSAL not in str(error):
            raise
        print(f"refuses: {type(error).__name__}", flush=True)


def test_daemonic_process_has_workers(ours: Outcome) -> None:
    once = list(range(12))
    assert ours.succeed()[:3] == ["True", str(once), str(once * 2)]


def test_legacy(legacy: Outcome) -> None:
    if not IS_KERAS_3:
        assert legacy.summary == HANGS
        assert REFUSAL in legacy.errors  # said by the helper thread
    else:
        assert legacy.summary == "refuses: UnknownError"
