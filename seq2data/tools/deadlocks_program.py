"""Runs one scenario of `seq2data deadlocks`, in a program of its own.

The program loads TensorFlow, receives its settings on stdin, reads the user's source
through `to_dataset` while something disturbs it, and writes a report to its folder.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time

from seq2data.errors import SourceError
from seq2data.tools.deadlocks import GONE_S, MARK, PLAIN, processes_of, report
from seq2data.tools.deadlocks_probe import load_target
from seq2data.tools.deadlocks_scenarios import SCENARIOS, ScenarioError, Trial


def main() -> None:
    """Runs the scenario that the arguments `NAME FOLDER` name."""
    _, name, folder = sys.argv
    # A background job of a shell inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if name != PLAIN:
        import tensorflow  # noqa: F401  # while an earlier scenario is running
    os.write(1, b"loaded")
    os.dup2(2, 1)  # for what the source prints
    settings = json.loads(sys.stdin.read() or "{}")
    if not settings:
        return  # the command has ended
    target, _ = settings.pop("target"), settings.pop("counts_files", None)
    try:
        source = load_target(target)
    except SourceError as error:
        report(folder, usage=str(error))
        return
    trial = Trial(source, folder, **settings)
    before = _processes()
    try:
        words = SCENARIOS[name](trial)
        _wait_until_gone(before)
    except Exception as error:
        summary = str(error).partition("\n")[0]
        is_ours = isinstance(error, ScenarioError)
        kind = "" if is_ours else f"{type(error).__name__}: "
        report(folder, failure=kind + summary)
        raise
    found = {key: getattr(trial, key) for key in ("num_batches", "aspects", "read_s")}
    report(folder, words=words, settings=found)


def _processes() -> set[int]:
    return set(processes_of(os.environ[MARK]))


def _wait_until_gone(before: set[int]) -> None:
    """Waits until the workers of deleted datasets have ended."""
    gc.collect()
    deadline = time.monotonic() + GONE_S
    for thread in threading.enumerate():
        if thread.name.startswith("seq2data"):
            thread.join(max(0.0, deadline - time.monotonic()))
    left = _processes() - before
    if left:
        raise ScenarioError(f"processes {left} still run though no dataset is left")
