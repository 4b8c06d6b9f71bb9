"""An iterator is deleted while user code blocks.

tensorflow#22632, grain#1372: the destructor of a tf.data iterator waits for the Python
functions that run inside it.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import Any, Callable

import pytest

from tests.deadlocks.program import HANGS, Outcome, Program
from tests.deadlocks.scenario import Numbered, batch

BLOCKED = range(20, 30)
# Fewer than BLOCKED[0]: a worker is asked for several small batches at once.
READ = 5
MODES = {
    "processes": {"workers": 2},
    "threads": {"workers": 2, "use_multiprocessing": False},
    "inline": {"workers": 0},
}
# The parent's; processes get a copy that nobody opens.
_entered, _opened = threading.Event(), threading.Event()


class Blocks(Numbered):
    """Waits for something at the batches in the middle; says so in a file."""

    def __init__(self) -> None:
        super().__init__(num_batches=50)

    def __getitem__(self, index: int) -> Any:
        if index in BLOCKED:
            _entered.set()
            open(f"entered-{os.getpid()}", "w").close()
            _opened.wait()
        return batch(index)


def generator() -> Any:
    source = Blocks()
    for index in range(len(source)):
        yield source[index]


def blocked(source: Any, **options: Any) -> tuple[Any, Any]:
    """A dataset, and an iterator whose next batch will not come; TF waits for it."""
    from seq2data import to_dataset

    dataset = to_dataset(source, **options)
    iterator = iter(dataset.prefetch(40))
    for _ in range(READ):
        next(iterator)
    while not any(name.startswith("entered-") for name in os.listdir()):
        time.sleep(0.01)  # another process cannot set our event
    return dataset, iterator


def leave(mode: str) -> None:
    """Ends the program while everything is still alive and blocked."""
    globals()["kept"] = blocked(Blocks(), **MODES[mode])
    print("leaves")


def leave_processes() -> None:
    leave("processes")


def leave_threads() -> None:
    leave("threads")


def leave_inline() -> None:
    leave("inline")


def ours() -> None:
    sources = [(Blocks(), mode) for mode in MODES.values()]
    for source, options in [*sources, (generator, {})]:
        for name in filter(lambda name: name.startswith("entered-"), os.listdir()):
            os.remove(name)
        kept = list(blocked(source, **options))
        began = time.monotonic()
        kept.pop()  # the iterator
        gc.collect()
        print("deleted promptly", time.monotonic() - began < 5)
        began = time.monotonic()
        kept.pop()  # the dataset
        gc.collect()
        print("closed promptly", time.monotonic() - began < 5)
        # A thread cannot be killed: what blocks in this process must come back.
        _opened.set()
        while any("seq2data" in thread.name for thread in threading.enumerate()):
            time.sleep(0.01)
        _opened.clear()
    print("deleted, closed and left at once")


def legacy() -> None:
    import tensorflow as tf

    spec = tf.TensorSpec([2, 1], tf.float32)
    dataset = tf.data.Dataset.from_generator(generator, output_signature=(spec, spec))
    iterator = iter(dataset.prefetch(40))
    for _ in range(READ):
        next(iterator)
    _entered.wait()
    del iterator
    print("deleted")


def test_nothing_waits_for_user_code(ours: Outcome) -> None:
    lines = ours.succeed()
    assert lines[:8] == ["deleted promptly True", "closed promptly True"] * 4


@pytest.mark.parametrize("mode", MODES)
def test_end_of_the_program_waits_for_nothing(
    mode: str, start: Callable[..., Program]
) -> None:
    assert start(f"leave_{mode}").finish(60.0).succeed() == ["leaves"]


def test_legacy(legacy: Outcome) -> None:
    assert legacy.summary == HANGS
