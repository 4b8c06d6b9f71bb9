"""The process that made an object cleans up after it, and no copy in a worker does."""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import load, pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task


def record(path: Path, event: str) -> None:
    with open(path, "a") as file:
        file.write(f"{os.getpid()} {event}\n")


class Scratch:
    """Made in a worker, and gone at the end of its batch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __del__(self) -> None:
        record(self.path, "scratch")


class Cleaning:
    """Cleans up after itself in every way there is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch = 0
        self.folder = tempfile.TemporaryDirectory()
        with tempfile.NamedTemporaryFile() as self.file:
            pass
        self.finalizer = weakref.finalize(self, record, path, "finalize")
        self.kept = Scratch(path)
        atexit.register(record, path, "atexit")
        Path(self.folder.name, "data").write_text("7")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        Scratch(self.path)
        return np.array([int(Path(self.folder.name, "data").read_text()), self.epoch])

    def __del__(self) -> None:
        record(self.path, "del")
        self.folder.cleanup()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Cleaning]:
    source = Cleaning(tmp_path / "events")
    yield source
    atexit.unregister(record)
    source.folder.cleanup()
    source.finalizer.detach()


def test_no_copy_in_a_worker_cleans_up(source: Cleaning, start_method: str) -> None:
    pool = ProcessPool("Cleaning", 2, 4, start_method=start_method)
    try:
        for source.epoch in range(3):  # a new version ends the one before it
            pool.load(adapt(source))
            tasks = [Task(0, None, (index,)) for index in range(4)]
            for task in tasks:
                pool.submit(task)
            for task in tasks:
                (run,) = task.future.result(60).runs
                assert run.arrays[0].tolist() == [[7, source.epoch]]
    finally:
        pool.close()
    assert Path(source.folder.name, "data").exists()
    events = [line.split() for line in source.path.read_text().splitlines()]
    # What a worker has made, it ends: once per batch.
    assert [event for _, event in events] == ["scratch"] * 12
    assert str(os.getpid()) not in {pid for pid, _ in events}


def sent(value: Any) -> Any:
    payload = pack(value, None)
    descriptors = [os.dup(number) for number in payload.descriptors()]
    return load(payload.load, descriptors).source


class Counted:
    """Counts the calls of its `__del__`."""

    ended = 0

    def __del__(self) -> None:
        type(self).ended += 1


class Derived(Counted):
    ended = 0

    def __del__(self) -> None:
        super().__del__()


class Inheriting(Counted):
    ended = 0


@pytest.mark.parametrize("kind", [Counted, Derived, Inheriting])
def test_copies_are_spared_and_originals_are_not(kind: Any) -> None:
    original = kind()
    kind.ended = 0
    for _ in range(3):
        copy = sent(original)
        assert type(copy) is kind
        del copy
        gc.collect()
    assert kind.ended == 0
    kind()  # may have the id of a copy
    del original
    gc.collect()
    assert kind.ended == 2


def test_circle_with_a_finalizer_comes_out_whole() -> None:
    one, other = Counted(), Counted()
    one.other, other.other = other, one  # type: ignore[attr-defined]
    copy: Any = sent(one)
    assert copy.other.other is copy
    assert pickle.loads(pickle.dumps(copy)).other.ended == one.ended
