"""What legacy objects hold reaches forked and executed workers alike."""

from __future__ import annotations

import gc
import json
import types
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.plan.generator_walk import find_own
from seq2data.plan.own_generators import OwnGenerators
from seq2data.plan.seeds import seed_generators
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from seq2data.workers.threads.random_state import state_of
from tests.workers.payload.kinds import KINDS, NUM_BATCHES, Holder

# Legacy classes leave their files to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

_ENTROPY = 5
# Ends a test that waits in vain.
_PATIENCE_S = 120

Read = Callable[..., list[Any]]


@pytest.fixture
def read_in_worker(start_method: str) -> Iterator[Read]:
    """Reads all batches of a source, one after the other, in one worker."""
    pool = ProcessPool("Holder", 1, 4, start_method=start_method)

    def read(source: Any, num_batches: int = NUM_BATCHES) -> list[Any]:
        pool.load(adapt(source))
        task = Task(0, _ENTROPY, tuple(range(num_batches)))
        pool.submit(task)
        result = task.future.result(_PATIENCE_S)
        if result.error is not None:
            raise result.error
        batches: list[Any] = []
        for run in result.runs:
            for place in range(run.count):
                batches.append([np.array(array[place]) for array in run.arrays])
        return batches

    yield read
    pool.close()
    gc.collect()


@pytest.fixture
def make_holder(tmp_path: Path) -> Iterator[Callable[..., Holder]]:
    """Makes one that has the kinds of these names, over and over the same."""
    made: list[Holder] = []

    def make(*kinds: str) -> Holder:
        made.append(Holder(tmp_path, *(KINDS[kind] for kind in kinds)))
        return made[-1]

    yield make
    for holder in made:
        for held in holder.held:
            if isinstance(held, ThreadPool):
                held.terminate()
                held.join()
        holder.held = []  # pytest keeps `make` a while longer, and it keeps them


def read_here(source: Any) -> list[Any]:
    """The oracle."""
    batches = []
    found = [one.generator for one in find_own(adapt(source))]
    generators = OwnGenerators.of(found, state_of)
    for index in range(len(source)):
        seed_generators(_ENTROPY, 0, index)
        generators.seed(_ENTROPY, 0, index)
        batches.append(source[index])
    return batches


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert len(one) == len(other)
        for array, due in zip(one, other):
            assert array.dtype == due.dtype
            np.testing.assert_array_equal(array, due)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_gives_the_same_batches_in_a_worker(
    kind: str, read_in_worker: Read, make_holder: Callable[..., Holder]
) -> None:
    expected = read_here(make_holder(kind))
    assert_equal(read_in_worker(make_holder(kind)), expected)


def test_all_kinds_in_one_object(
    read_in_worker: Read, make_holder: Callable[..., Holder]
) -> None:
    expected = read_here(make_holder(*KINDS))
    assert_equal(read_in_worker(make_holder(*KINDS)), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_not_changed_is_not_sent_again(
    kind: str, make_holder: Callable[..., Holder]
) -> None:
    source = adapt(make_holder(kind))
    pack(source, None)  # of classes, cloudpickle's first pickle may differ from others
    first = pack(source, None)
    assert pack(source, first) is first


class Lazy(types.ModuleType):
    """As TensorFlow's `keras`: of a class of its own, and its names come later."""

    def __getattr__(self, name: str) -> Any:
        return getattr(json, name)


def test_lazy_module_is_imported_in_workers(read_in_worker: Read) -> None:
    names: dict[str, Any] = {"__name__": "__main__", "lazy": Lazy(json.__name__)}
    exec(
        "class Source:\n"
        "    def __len__(self): return 1\n"
        "    def __getitem__(self, index): return __import__('numpy').array("
        "lazy.loads('[1, 2]'))",
        names,
    )
    ((batch,),) = read_in_worker(names["Source"](), 1)
    assert batch.tolist() == [1, 2]
