"""The training process is killed while its workers are inside user code.

pytorch#6606, keras#8622: a pool's workers notice a dead parent when they next use its
pipe, so one that is busy lives on; Slurm and Kubernetes signal like this.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import random
import signal
import sys
import time
from typing import Any, Callable

import pytest

from tests.deadlocks.program import Program
from tests.deadlocks.scenario import Numbered, batch, fit_legacy, indices

WORKERS = 3
BLOCKED = range(20, 60)
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])


class Blocks(Numbered):
    """Never comes back from the batches in the middle."""

    def __init__(self) -> None:
        super().__init__(num_batches=80)

    def __getitem__(self, index: int) -> Any:
        if index in BLOCKED:
            print("blocked worker", number_of_this(), flush=True)
            time.sleep(600)
        return batch(index)


def number_of_this() -> int:
    """1 for the first worker that asks, 2 for the next, and so on."""
    program = os.path.basename(os.environ["TMPDIR"])
    for number in itertools.count(1):
        with contextlib.suppress(FileExistsError), open(f"{program}.{number}", "x"):
            return number
    raise AssertionError


class Flows(Numbered):
    """Data for as long as anybody wants to train."""

    def __init__(self) -> None:
        super().__init__(num_batches=10_000)


def ours() -> None:
    from seq2data import to_dataset

    indices(to_dataset(Blocks(), workers=WORKERS))


def interrupted() -> None:
    from seq2data import to_dataset

    dataset = to_dataset(Flows(), workers=WORKERS)
    try:
        while True:
            for x, _ in dataset:
                # In one piece: Ctrl-C may come between two writes of a print.
                sys.stdout.write(f"batch {int(x[0, 0])}\n")
    except KeyboardInterrupt:
        print("KeyboardInterrupt")


def trained() -> None:
    from tensorflow import keras

    from seq2data import fit_generator

    class Said(keras.callbacks.Callback):
        """Has Keras make numbers of the logs of each batch."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            sys.stdout.write(f"batch {batch}\n")

    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    try:
        fit_generator(
            *(model, Numbered(num_batches=40)),
            validation_data=Numbered(num_batches=5),
            epochs=10_000,
            verbose=0,
            callbacks=[Said()],
            workers=2,
            use_multiprocessing=True,
        )
    except KeyboardInterrupt:
        print("KeyboardInterrupt")


def legacy() -> None:
    fit_legacy(Blocks(), workers=WORKERS)


def seconds_until_gone(program: Program) -> float:
    began = time.monotonic()
    while program.members() and time.monotonic() < began + 60:
        time.sleep(0.01)  # the kernel ends them one by one
    return time.monotonic() - began


@SIGNALS
def test_blocked_workers_go_too(
    start: Callable[..., Program], record: Callable[..., None], number: signal.Signals
) -> None:
    program = start()
    program.wait_for_line(f"blocked worker {WORKERS}")
    program.signal(number)
    assert seconds_until_gone(program) <= 10
    outcome = program.finish(10)
    assert outcome.code == -number
    assert not outcome.left
    assert "Traceback" not in outcome.errors
    record("seq2data", dataclasses.replace(outcome, code=0, lines=["no orphans"]))


@pytest.mark.parametrize("side", ["interrupted", "trained"])
def test_interrupt_while_data_flows(start: Callable[..., Program], side: str) -> None:
    program = start(side)
    program.wait_for_line("batch 30")
    time.sleep(random.uniform(0, 0.3))  # anywhere, validation and tracing among it
    program.signal(signal.SIGINT)
    outcome = program.finish(20)
    assert outcome.succeed()[-1] == "KeyboardInterrupt"
    assert "Traceback" not in outcome.errors


@SIGNALS
def test_legacy(
    start: Callable[..., Program], record: Callable[..., None], number: signal.Signals
) -> None:
    program = start("legacy")
    program.wait_for_line(f"blocked worker {WORKERS}")
    program.signal(number)
    outcome = program.finish(20)  # gives what is left 20 s more
    assert outcome.code == -number
    orphans = f"{len(outcome.left)} orphans"
    record("legacy", dataclasses.replace(outcome, code=0, lines=[orphans]))
    assert orphans == f"{WORKERS} orphans"
