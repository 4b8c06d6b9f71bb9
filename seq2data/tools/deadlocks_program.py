"""One scenario of `seq2data deadlocks`, in a program of its own.

The program loads TensorFlow, takes its settings from stdin, reads the user's source
through `to_dataset` while an accident happens, and leaves a report in its folder.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2data.errors import Seq2DataError, SourceError
from seq2data.tools.deadlocks import (
    EXIT_CODE,
    GONE_S,
    MARK,
    PLAIN,
    REPORT,
    processes_of,
)
from seq2data.tools.deadlocks_probe import Fingerprint, Probe, fingerprint, load_target

_MOST_BATCHES, _LEAST_BATCHES = 40, 6
# Of the limit, for one reading of all batches; a scenario may need eight.
_READING_SHARE = 0.1
_MOST_KILLS = 5
_LEAST_TIMEOUT_S = 3.0
_THAW_S = 0.5
_PASSES = 3


class ScenarioError(Exception):
    """Something is not as it should be; the message says what."""


@dataclass
class Trial:
    """The user's source, and how the scenarios read it."""

    source: Any
    folder: str
    workers: int
    limit_s: int
    num_batches: int = 0
    aspects: tuple[str, ...] = ()
    read_s: float = 0.0

    def probe(self, accident: str = "", *at: int) -> Probe:
        """The user's source with an accident at some indices."""
        return Probe(
            self.source,
            self.num_batches,
            self.folder,
            accident=accident,
            at=at,
            read_s=self.read_s,
        )

    def dataset(self, probe: Probe, **options: Any) -> Any:
        """The dataset under test."""
        from seq2data.pipeline.dataset import to_dataset

        return to_dataset(probe, workers=self.workers, **options)

    def half(self, dataset: Any) -> Any:
        """An iterator in the middle of its pass."""
        iterator = iter(dataset)
        for _ in range(self.num_batches // 2):
            next(iterator)
        return iterator

    def check(self, probe: Probe, got: list[Fingerprint]) -> None:
        """Raises ScenarioError where a pass differs from plain indexing."""
        plain = probe.fingerprints()
        if len(got) != len(plain):
            raise ScenarioError(f"{len(got)} batches came instead of {len(plain)}")
        for index, (found, wanted) in enumerate(zip(got, plain)):
            for aspect in self.aspects:
                if getattr(found, aspect) != getattr(wanted, aspect):
                    raise ScenarioError(
                        f"batch {index} has other {aspect} than with plain indexing: "
                        f"{getattr(found, aspect)} instead of {getattr(wanted, aspect)}"
                    )


def read(dataset: Any) -> list[Fingerprint]:
    return [fingerprint(batch) for batch in dataset]


def error_of(dataset: Any) -> tuple[int, str]:
    """How many batches come before an error, and its text."""
    import tensorflow as tf

    count = 0
    try:
        for _ in dataset:
            count += 1
    except (tf.errors.OpError, Seq2DataError) as error:
        return count, str(error)
    raise ScenarioError(f"no error came, but {count} batches")


def plain(trial: Trial) -> str:
    """Finds out how many batches there is time for, and whether they stay the same."""
    length = len(trial.source)
    trial.num_batches = max(min(length, _MOST_BATCHES), _LEAST_BATCHES)
    deadline = time.monotonic() + trial.limit_s * _READING_SHARE
    first = []
    probe = trial.probe()
    for index in range(trial.num_batches):
        began = time.monotonic()
        if began > deadline and index >= _LEAST_BATCHES:
            trial.num_batches = index
            break
        first.append(fingerprint(probe[index]))
        trial.read_s = max(trial.read_s, time.monotonic() - began)
    again = read(map(probe.__getitem__, range(trial.num_batches)))
    trial.aspects = tuple(
        aspect
        for aspect in Fingerprint._fields
        if all(getattr(a, aspect) == getattr(b, aspect) for a, b in zip(first, again))
    )
    words = f"{length} batches, {trial.num_batches} per pass of a scenario; "
    return words + (
        "equal when read again"
        if trial.aspects == Fingerprint._fields
        else "other values when read again, so only counts"
        f"{' and shapes' if trial.aspects else ''} are compared"
    )


def kill(trial: Trial) -> str:
    kills = min(_MOST_KILLS, trial.num_batches // 6)
    stride = (trial.num_batches - 2) // kills
    at = [1 + n * stride + random.randrange(stride) for n in range(kills)]
    probe = trial.probe("kill", *at)
    trial.check(probe, read(trial.dataset(probe)))
    killed = sum(probe.has_happened(index).exists() for index in at)
    if killed != kills:
        raise ScenarioError(f"{killed} workers were killed instead of {kills}")
    return f"{trial.num_batches} batches, {kills} worker{'s' * (kills > 1)} killed"


def freeze(trial: Trial) -> str:
    middle = trial.num_batches // 2
    probe = trial.probe("freeze", middle)
    os.mkfifo(probe.fifo)
    is_over = threading.Event()
    threading.Thread(target=_thaw, args=(probe, is_over), daemon=True).start()
    trial.check(probe, read(trial.dataset(probe)))
    is_over.set()
    probe.fifo.unlink()
    timeout_s = max(_LEAST_TIMEOUT_S, 5 * trial.read_s)
    stuck = trial.probe("freeze", middle + 1)
    _, text = error_of(trial.dataset(stuck, timeout=timeout_s))
    if "BatchTimeoutError" not in text:
        raise ScenarioError(f"no BatchTimeoutError came, but: {text}")
    return (
        f"{trial.num_batches} batches, a frozen worker went on after SIGCONT; "
        f"another gave BatchTimeoutError, timeout={timeout_s:.0f}"
    )


def _thaw(probe: Probe, is_over: threading.Event) -> None:
    pid = int(probe.fifo.read_text())  # comes when a worker writes it
    # Again and again: it tells its pid a moment before it stops.
    while not is_over.wait(_THAW_S):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def exception(trial: Trial) -> str:
    middle = trial.num_batches // 2
    count, text = error_of(trial.dataset(trial.probe("fail", middle)))
    for fact in ("DeliberateError", f"batch {middle}"):
        if fact not in text:
            raise ScenarioError(f"the error does not tell `{fact}`: {text}")
    if count != middle:
        raise ScenarioError(f"{count} batches came before batch {middle} raised")
    return f"{count} batches, then the error of batch {middle} with its index"


def early_stop(trial: Trial) -> str:
    probe = trial.probe()
    dataset = trial.dataset(probe)
    iterator = trial.half(dataset)
    del iterator
    trial.check(probe, read(dataset))
    iterator = trial.half(dataset)
    del dataset, iterator
    half = trial.num_batches // 2
    return f"{half} batches, dropped; a whole pass; {half} batches, all dropped"


def ctrl_c(trial: Trial) -> str:
    middle = trial.num_batches // 2
    probe = trial.probe("interrupt", middle)
    try:
        read(trial.dataset(probe))
    except KeyboardInterrupt:
        waited_s = time.time() - probe.has_happened(middle).stat().st_mtime
        report(trial.folder, words=f"KeyboardInterrupt {waited_s:.1f} s after SIGINT")
        raise
    raise ScenarioError("SIGINT ended the pass without KeyboardInterrupt")


def leave(trial: Trial) -> str:
    iterator = trial.half(trial.dataset(trial.probe()))
    half = trial.num_batches // 2
    report(trial.folder, words=f"sys.exit({EXIT_CODE}) after {half} batches")
    sys.exit(EXIT_CODE if iterator is not None else 1)


def epochs(trial: Trial) -> str:
    probe = trial.probe()
    dataset = trial.dataset(probe)
    for ended in range(1, _PASSES + 1):
        trial.check(probe, read(dataset))
        if probe.passes_ended != ended:
            raise ScenarioError(
                f"{probe.passes_ended} calls of on_epoch_end in {ended} passes"
            )
    return f"{_PASSES} passes of {trial.num_batches} batches, on_epoch_end after each"


def two(trial: Trial) -> str:
    train, validation = trial.probe(), trial.probe()
    pairs = [
        (fingerprint(one), fingerprint(other))
        for one, other in zip(trial.dataset(train), trial.dataset(validation))
    ]
    trial.check(train, [one for one, _ in pairs])
    trial.check(validation, [other for _, other in pairs])
    return f"two pipelines in turns, {trial.num_batches} batches each"


_SCENARIOS = {
    PLAIN: plain,
    "kill": kill,
    "freeze": freeze,
    "exception": exception,
    "early-stop": early_stop,
    "ctrl-c": ctrl_c,
    "exit": leave,
    "epochs": epochs,
    "two": two,
}


def report(folder: str, **facts: Any) -> None:
    """Leaves word for the command."""
    Path(folder, REPORT).write_text(json.dumps(facts))


def main() -> None:
    """Entry of the program: `NAME FOLDER`, and the settings on stdin."""
    _, name, folder = sys.argv
    # A background job of a shell inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if name != PLAIN:
        import tensorflow  # noqa: F401  # while the scenario before is running
    os.write(1, b"loaded")
    os.dup2(2, 1)  # where the source may print
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
        words = _SCENARIOS[name](trial)
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
    """The workers of dropped datasets end while the program goes on."""
    gc.collect()
    deadline = time.monotonic() + GONE_S
    for thread in threading.enumerate():
        if thread.name.startswith("seq2data"):
            thread.join(max(0.0, deadline - time.monotonic()))
    left = _processes() - before
    if left:
        raise ScenarioError(f"processes {left} still run though all was dropped")
