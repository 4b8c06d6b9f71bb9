"""Holds the scenarios of `seq2data deadlocks`: each disturbs the reading of a source.

A scenario is a function from a trial to a sentence about what happened. It raises
ScenarioError where something is wrong.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable

from seq2data.errors import Seq2DataError
from seq2data.tools.deadlocks import EXIT_CODE, PLAIN, report
from seq2data.tools.deadlocks_probe import Fingerprint, Probe, fingerprint

_MOST_BATCHES, _LEAST_BATCHES = 40, 6
# The share of the limit for reading all batches; a scenario may do so eight times.
_READING_SHARE = 0.1
_MOST_KILLS = 5
_LEAST_TIMEOUT_S = 3.0
_THAW_S = 0.5
_EPOCHS = 3


class ScenarioError(Exception):
    """A scenario has failed; the message says why."""


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
        """Returns the user's source with an accident at some indices."""
        return Probe(
            self.source,
            self.num_batches,
            self.folder,
            accident=accident,
            at=at,
            read_s=self.read_s,
        )

    def dataset(self, probe: Probe, **options: Any) -> Any:
        """Returns the dataset that is tested."""
        from seq2data.pipeline.dataset import to_dataset

        return to_dataset(probe, workers=self.workers, **options)

    def half(self, dataset: Any) -> Any:
        """Returns an iterator in the middle of an epoch."""
        iterator = iter(dataset)
        for _ in range(self.num_batches // 2):
            next(iterator)
        return iterator

    def check(self, probe: Probe, got: list[Fingerprint]) -> None:
        """Compares an epoch with plain indexing.

        Raises:
            ScenarioError: They differ.
        """
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
    """Returns the fingerprints of one epoch."""
    return [fingerprint(batch) for batch in dataset]


def error_of(dataset: Any) -> tuple[int, str]:
    """Returns how many batches come before an error, and its text."""
    import tensorflow as tf

    count = 0
    try:
        for _ in dataset:
            count += 1
    except (tf.errors.OpError, Seq2DataError) as error:
        return count, str(error)
    raise ScenarioError(f"no error came, but {count} batches")


def plain(trial: Trial) -> str:
    """Measures how many batches can be read in time, and if they stay the same."""
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
    words = f"{length} batches, {trial.num_batches} per epoch of a scenario; "
    return words + (
        "equal when read again"
        if trial.aspects == Fingerprint._fields
        else "other values when read again, so only counts"
        f"{' and shapes' if trial.aspects else ''} are compared"
    )


def kill(trial: Trial) -> str:
    """Kills workers while they read."""
    kills = min(_MOST_KILLS, trial.num_batches // 6)
    stride = (trial.num_batches - 2) // kills
    at = [1 + n * stride + random.randrange(stride) for n in range(kills)]
    probe = trial.probe("kill", *at)
    trial.check(probe, read(trial.dataset(probe)))
    killed = sum(probe.sign_of(index).exists() for index in at)
    if killed != kills:
        raise ScenarioError(f"{killed} workers were killed instead of {kills}")
    return f"{trial.num_batches} batches, {kills} worker{'s' * (kills > 1)} killed"


def freeze(trial: Trial) -> str:
    """Stops a worker and continues it; then stops another for good."""
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
        f"{trial.num_batches} batches, a frozen worker continued after SIGCONT; "
        f"another caused BatchTimeoutError, timeout={timeout_s:.0f}"
    )


def _thaw(probe: Probe, is_over: threading.Event) -> None:
    pid = int(probe.fifo.read_text())  # waits until a worker writes it
    # Repeatedly, because the worker writes its pid a moment before it stops.
    while not is_over.wait(_THAW_S):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def exception(trial: Trial) -> str:
    """Raises in the middle of an epoch."""
    middle = trial.num_batches // 2
    count, text = error_of(trial.dataset(trial.probe("fail", middle)))
    for fact in ("DeliberateError", f"batch {middle}"):
        if fact not in text:
            raise ScenarioError(f"the error does not name `{fact}`: {text}")
    if count != middle:
        raise ScenarioError(f"{count} batches came before batch {middle} raised")
    return f"{count} batches, then the error of batch {middle} with its index"


def early_stop(trial: Trial) -> str:
    """Deletes an iterator in the middle of an epoch, and then also its dataset."""
    probe = trial.probe()
    dataset = trial.dataset(probe)
    iterator = trial.half(dataset)
    del iterator
    trial.check(probe, read(dataset))
    iterator = trial.half(dataset)
    del dataset, iterator
    half = trial.num_batches // 2
    return f"{half} batches, deleted; a whole epoch; {half} batches, all deleted"


def ctrl_c(trial: Trial) -> str:
    """Sends SIGINT to the process group, as Ctrl-C does."""
    middle = trial.num_batches // 2
    probe = trial.probe("interrupt", middle)
    try:
        read(trial.dataset(probe))
    except KeyboardInterrupt:
        waited_s = time.time() - probe.sign_of(middle).stat().st_mtime
        report(trial.folder, words=f"KeyboardInterrupt {waited_s:.1f} s after SIGINT")
        raise
    raise ScenarioError("SIGINT ended the epoch without KeyboardInterrupt")


def leave(trial: Trial) -> str:
    """Ends the program in the middle of an epoch."""
    iterator = trial.half(trial.dataset(trial.probe()))
    half = trial.num_batches // 2
    report(trial.folder, words=f"sys.exit({EXIT_CODE}) after {half} batches")
    sys.exit(EXIT_CODE if iterator is not None else 1)


def epochs(trial: Trial) -> str:
    """Reads several epochs and counts the calls of `on_epoch_end`."""
    probe = trial.probe()
    dataset = trial.dataset(probe)
    for ended in range(1, _EPOCHS + 1):
        trial.check(probe, read(dataset))
        if probe.epochs_ended != ended:
            raise ScenarioError(
                f"{probe.epochs_ended} calls of on_epoch_end in {ended} epochs"
            )
    return f"{_EPOCHS} epochs of {trial.num_batches} batches, on_epoch_end after each"


def two(trial: Trial) -> str:
    """Reads two datasets in turns."""
    train, validation = trial.probe(), trial.probe()
    pairs = [
        (fingerprint(one), fingerprint(other))
        for one, other in zip(trial.dataset(train), trial.dataset(validation))
    ]
    trial.check(train, [one for one, _ in pairs])
    trial.check(validation, [other for _, other in pairs])
    return f"two pipelines in turns, {trial.num_batches} batches each"


SCENARIOS: dict[str, Callable[[Trial], str]] = {
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
