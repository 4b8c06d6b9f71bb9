"""Adds an accident to some batches of the user's source; workers read the result.

Workers import this module, so it does not load TensorFlow. A process that has imported
it writes its Python stacks to stderr when it receives `STACKS_SIGNAL`.
"""

from __future__ import annotations

import faulthandler
import importlib
import inspect
import operator
import os
import pickle
import random
import signal
import threading
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2data.errors import SourceError
from seq2data.source.adapt import adapt
from seq2data.source.indexable import Indexable
from seq2data.source.structure import flatten
from seq2data.tools.deadlocks import STACKS_SIGNAL
from seq2data.workers.payload.pickler import dumps

if STACKS_SIGNAL:
    faulthandler.register(STACKS_SIGNAL, file=2, all_threads=True)


class DeliberateError(Exception):
    """The scenario `exception` raises it instead of the user's code."""


class Probe:
    """The first batches of the user's source and its last one, with an accident.

    A source that has fewer batches is read again from its beginning.

    Args:
        source: The user's source.
        num_batches: The number of batches of an epoch here.
        folder: Has a file for each accident that has happened in any process.
        accident: The method that is called before the batches `at`; "" for none.
        at: Indices of batches here.
        read_s: The seconds that the slowest batch took.

    Attributes:
        epochs_ended: The calls of `on_epoch_end` in the caller's process.
    """

    def __init__(
        self,
        source: Any,
        num_batches: int,
        folder: str,
        *,
        accident: str = "",
        at: tuple[int, ...] = (),
        read_s: float = 0.0,
    ) -> None:
        self.epochs_ended = 0
        self.fifo = Path(folder, "frozen")
        self._source = source
        self._num_batches = num_batches
        self._folder = folder
        self._accident = accident
        self._at = at
        self._read_s = read_s
        self._at_epoch_begin = source

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_at_epoch_begin": None}

    def __len__(self) -> int:
        return self._num_batches

    def __getitem__(self, index: int) -> Any:
        if index in self._at:
            getattr(self, self._accident)(index)
        return self._read(self._source, index)

    def _read(self, source: Any, index: int) -> Any:
        length = len(source)
        is_cut = index == self._num_batches - 1 and length > self._num_batches
        return source[length - 1 if is_cut else index % length]

    def on_epoch_begin(self) -> None:
        getattr(self._source, "on_epoch_begin", lambda: None)()
        self._at_epoch_begin = _copy(self._source)

    def on_epoch_end(self) -> None:
        self.epochs_ended += 1
        getattr(self._source, "on_epoch_end", lambda: None)()

    def fingerprints(self) -> list[Fingerprint]:
        """Returns those of plain indexing, from the source that the last epoch read."""
        source = self._at_epoch_begin
        return [fingerprint(self._read(source, index)) for index in range(len(self))]

    def sign_of(self, index: int) -> Path:
        """Returns the file that exists when the accident has happened."""
        return Path(self._folder, f"{self._accident}-{index}")

    def kill(self, index: int) -> None:
        """Dies once, at a random moment while the batch is read or just after."""
        if self._mark_as_happened(index):
            # Not from `random` itself, whose numbers are the user's.
            moment_s = random.SystemRandom().uniform(0, self._read_s)
            threading.Timer(moment_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
            self._read(self._source, index)
            threading.Event().wait()

    def freeze(self, index: int) -> None:
        """Stops this process once; writes its id to the FIFO, if there is one."""
        if self._mark_as_happened(index):
            if self.fifo.exists():
                self.fifo.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)

    def fail(self, index: int) -> None:
        """Raises an error."""
        raise DeliberateError(f"raised on purpose at batch {index}")

    def interrupt(self, index: int) -> None:
        """Sends SIGINT to the group, as a terminal does on Ctrl-C, and then hangs."""
        if self._mark_as_happened(index):
            os.killpg(os.getpgrp(), signal.SIGINT)
        threading.Event().wait()

    def _mark_as_happened(self, index: int) -> bool:
        """Marks an accident as happened; returns True for the first of its kind."""
        try:
            self.sign_of(index).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


class Fingerprint(NamedTuple):
    """A short value that is equal for two equal readings of a batch."""

    shapes: str
    values: int


def fingerprint(batch: Any) -> Fingerprint:
    """Returns the fingerprint of a batch of the user's, or of a dataset."""
    structure, arrays = flatten(batch)
    shapes = ", ".join(f"{array.dtype} {list(array.shape)}" for array in arrays)
    values = 0
    for array in arrays:
        is_text = array.dtype == object
        raw = repr(array.tolist()).encode() if is_text else array.tobytes()
        values = zlib.crc32(raw, values)
    return Fingerprint(f"{structure} of {shapes}", values)


def _copy(source: Any) -> Any:
    """Returns the copy that workers get, or the source if it cannot be sent.

    Plain indexing needs a copy: it may put things into a source that cannot be sent,
    such as an open file; and `on_epoch_end` may shuffle the source.
    """
    try:
        return pickle.loads(dumps(source, lambda _: True).data)
    except Exception:  # noqa: BLE001  # `to_dataset` reports what is wrong
        return source


class DemoSource:
    """Forty batches of random pictures and labels that depend on the index alone."""

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        draw = np.random.default_rng(index)
        return draw.random((32, 64, 64, 3), np.float32), draw.integers(0, 10, 32)


def load_target(target: str) -> Any:
    """Returns the source that `MODULE:OBJECT` names, or that this object returns.

    Raises:
        SourceError: There is no such source; says why.
    """
    if not target:
        return DemoSource()
    module_name, _, name = target.partition(":")
    if not (module_name and name):
        raise SourceError(f"the target must be MODULE:OBJECT; received: `{target}`")
    try:
        made = operator.attrgetter(name)(importlib.import_module(module_name))
        if callable(made) and (
            isinstance(made, type) or not hasattr(made, "__getitem__")
        ):
            inspect.signature(made).bind()
            made = made()
    except Exception as error:
        raise SourceError(
            f"`{target}` cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    adapted = adapt(made)
    if not isinstance(adapted, Indexable):
        raise SourceError(
            f"`{target}` is a `{type(made).__qualname__}`: name an object with "
            "`__len__` and `__getitem__`"
        )
    adapted.num_batches()  # refuses an empty one
    return made
