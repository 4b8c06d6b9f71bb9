"""The batches of the programs, and the sources that give them.

Batch `code` has four samples of class 0 or 1. A target is `[is class 0, is class 1,
code / 100]`, so a loss function sees which batch it has, and `class_weight` the class.
"""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.train.programs import VALIDATION_FROM, Program

SAMPLES = 4
"""Samples of a batch."""

SHIFT = 10
"""What `on_epoch_end` of a shifting source adds to its batches' codes."""


def features(code: int) -> np.ndarray:
    """float32 `[4, 2]`."""
    sample = np.arange(SAMPLES)
    first = (code % 7) / 7 + sample / 10
    return np.stack([first, 1 - sample / 5], axis=1).astype(np.float32)


def targets(code: int, flipped: bool = False) -> np.ndarray:
    """float32 `[4, 3]`; the second output has the classes the other way round."""
    classes = (code + np.arange(SAMPLES) + flipped) % 2
    columns = [classes == 0, classes == 1, np.full(SAMPLES, code / 100)]
    return np.stack(columns, axis=1).astype(np.float32)


def sample_weights(code: int) -> np.ndarray:
    """float32 `[4]`."""
    return (1 + np.arange(SAMPLES) % 3 + code / 10).astype(np.float32)


def batch(code: int, nesting: str) -> Any:
    """The batch, nested as a model of this nesting takes it."""
    x, y = features(code), targets(code)
    if nesting == "lists":
        return [x[:, :1], x[:, 1:]], y
    if nesting == "dicts":
        return {"a": x[:, :1], "b": x[:, 1:]}, y
    if nesting == "outputs":
        return x, [y, targets(code, flipped=True)]
    if nesting == "named outputs":
        return x, {"first": y, "second": targets(code, flipped=True)}
    if nesting == "weighted":
        return x, y, sample_weights(code)
    return [x, y] if nesting == "pair" else (x, y)


class Tape:
    """What happens in this process while a program runs, in order."""

    def __init__(self) -> None:
        self.events: list = []

    def note(self, *event: Any) -> None:
        """Called by several threads."""
        self.events.append(event)


tape = Tape()


class Batches:
    """A legacy Sequence, of the kinds that the programs ask for.

    sequence    the same batches in each pass
    shifting    other batches in each pass
    growing     one batch more in each pass
    shrinking   one batch fewer in each pass
    raising     batch 2 raises
    dying       batch 2 kills the worker that reads it first
    """

    def __init__(
        self, kind: str, length: int, nesting: str, role: str, start: int = 0
    ) -> None:
        self.kind = kind
        self.length = length
        self.nesting = nesting
        self.role = role
        self.start = start
        self.killed = ""
        if kind == "dying":
            self.killed = os.path.join(tempfile.mkdtemp(), "killed")

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        tape.note("read", self.role, index)
        if index == 2 and self.kind == "raising":
            raise KeyError("no such scan")
        if index == 2 and self.killed and not os.path.exists(self.killed):
            os.mkdir(self.killed)
            os.kill(os.getpid(), signal.SIGKILL)
        return batch(self.start + index, self.nesting)

    def on_epoch_end(self) -> None:
        if self.kind == "shifting":
            self.start += SHIFT
        if self.kind == "growing":
            self.length += 1
        if self.kind == "shrinking":
            self.length -= 1
        tape.note("hook", self.role)


class Locked:
    """An iterator of a class of its own that several threads may call."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._lock:
            return next(self._items)


def _items(codes: Any, nesting: str) -> Iterator[Any]:
    for code in codes:
        yield batch(code, nesting)


def training_source(program: Program, sequence_class: Any) -> Any:
    kind, length, nesting = program.source, program.length, program.nesting
    if kind == "generator":
        return _items(itertools.count(), nesting)
    if kind == "iterator":
        return Locked(_items(itertools.count(), nesting))
    if kind == "finite":
        return _items(range(length), nesting)
    return sequence_class(kind, length, nesting, "training")


def validation_source(program: Program, sequence_class: Any) -> Any:
    """None if the program has no validation."""
    nesting, length = program.nesting, program.validation_length
    codes = range(VALIDATION_FROM, VALIDATION_FROM + length)
    if program.validation == "arrays":
        return tuple(np.concatenate(part) for part in zip(*_items(codes, "plain")))
    if program.validation == "sequence":
        return sequence_class("sequence", length, nesting, "validation", codes[0])
    if program.validation == "generator":
        return _items(itertools.count(VALIDATION_FROM), nesting)
    return _items(codes, nesting) if program.validation == "finite" else None
