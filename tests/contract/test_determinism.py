"""Order and random state come from (seed, epoch, index), and from nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.hostile import DrawsAndDies
from tests.sources import Drawing, Squares

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

WAYS = {
    "one process": {"workers": 1},
    "four processes": {"workers": 4},
    "one thread": {"workers": 1, "use_multiprocessing": False},
    "four threads": {"workers": 4, "use_multiprocessing": False},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Keyword arguments of `to_dataset`, for different numbers of readers."""
    return dict(WAYS[request.param])


def _epochs(dataset: Any, count: int) -> np.ndarray:
    """`[epoch, batch, ...]`."""
    return np.array([[batch.numpy() for batch in dataset] for _ in range(count)])


def _orders(dataset: Any, count: int) -> list[list[int]]:
    return [[int(x[0, 0]) for x, _ in dataset] for _ in range(count)]


@pytest.mark.parametrize("shuffle", [False, True])
def test_seeded_batches_are_the_same_for_every_way_of_reading(
    shuffle: bool, way: dict[str, Any]
) -> None:
    inline = to_dataset(Drawing(), seed=7, shuffle=shuffle, workers=0)
    other = to_dataset(Drawing(), seed=7, shuffle=shuffle, **way)
    np.testing.assert_array_equal(_epochs(other, 3), _epochs(inline, 3))


@pytest.mark.parametrize("batch_size", [None, 5])
def test_seeded_hundreds_of_batches_are_the_same(
    batch_size: int | None, mode: dict[str, Any]
) -> None:
    inline = to_dataset(Drawing(300), seed=7, workers=0)
    other = to_dataset(Drawing(300), seed=7, batch_size=batch_size, **mode)
    if batch_size is not None:
        other = other.unbatch()
    np.testing.assert_array_equal(_epochs(other, 1), _epochs(inline, 1))


def test_seeded_batches_survive_the_death_of_a_worker(
    start_method: str, tmp_path: Path
) -> None:
    source = DrawsAndDies(str(tmp_path / "died"))
    drawn = _epochs(to_dataset(source, seed=7, workers=2), 2)
    assert (tmp_path / "died").exists()
    inline = _epochs(to_dataset(source, seed=7, workers=0), 2)
    np.testing.assert_array_equal(drawn, inline)


def test_random_state_does_not_depend_on_the_order(mode: dict[str, Any]) -> None:
    in_order = _epochs(to_dataset(Drawing(), seed=3, workers=0), 2)
    shuffled = _epochs(to_dataset(Drawing(), seed=3, shuffle=True, **mode), 2)
    by_index = np.array([epoch[np.argsort(epoch[:, -1])] for epoch in shuffled])
    np.testing.assert_array_equal(by_index, in_order)
    assert not np.array_equal(shuffled, in_order)


def test_another_seed_gives_other_batches() -> None:
    one = _epochs(to_dataset(Drawing(), seed=1, workers=0), 1)
    other = _epochs(to_dataset(Drawing(), seed=2, workers=0), 1)
    assert not np.isin(one[..., :3], other[..., :3]).any()


def test_seeded_batches_share_no_random_state(mode: dict[str, Any]) -> None:
    drawn = _epochs(to_dataset(Drawing(), seed=7, **mode), 3)[..., :2]
    assert len(np.unique(drawn)) == drawn.size


@pytest.mark.parametrize("workers", [0, 1])
def test_both_generators_draw_different_numbers(workers: int) -> None:
    drawn = _epochs(to_dataset(Drawing(), seed=7, workers=workers), 1)[..., :3]
    assert len(np.unique(drawn)) == drawn.size


def test_unseeded_batches_share_no_random_state(mode: dict[str, Any]) -> None:
    np.random.seed(0)
    random.seed(0)
    drawn = np.array(
        [_epochs(to_dataset(Drawing(), **mode), 3)[..., :3] for _ in range(2)]
    )
    for generator in drawn[..., :2], drawn[..., 2]:
        assert len(np.unique(generator)) == generator.size


def test_unseeded_processes_share_nothing_with_the_parents_generators(
    start_method: str,
) -> None:
    np.random.seed(0)
    drawn = _epochs(to_dataset(Drawing(), workers=2), 1)[..., :2]
    np.random.seed(0)
    assert not np.isin(drawn, np.random.rand(1000)).any()


@pytest.mark.parametrize("use_multiprocessing", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_seeded_reading_leaves_the_callers_generators_alone(
    workers: int, use_multiprocessing: bool
) -> None:
    options = {"workers": workers, "use_multiprocessing": use_multiprocessing}
    np.random.seed(11)
    random.seed(11)
    list(to_dataset(Drawing(), seed=7, **options))
    after = np.random.rand(), random.random()
    np.random.seed(11)
    random.seed(11)
    assert after == (np.random.rand(), random.random())


def test_each_epoch_is_shuffled_from_the_seed(mode: dict[str, Any]) -> None:
    orders = _orders(to_dataset(Squares(), shuffle=True, seed=5, **mode), 3)
    assert [sorted(order) for order in orders] == [list(range(12))] * 3
    assert len(set(map(tuple, orders))) == 3
    again = to_dataset(Squares(), shuffle=True, seed=5, workers=0)
    assert _orders(again, 3) == orders


def test_abandoned_epoch_counts_for_the_next_ones_order(mode: dict[str, Any]) -> None:
    orders = _orders(to_dataset(Squares(), shuffle=True, seed=5, workers=0), 2)
    dataset = to_dataset(Squares(), shuffle=True, seed=5, **mode)
    next(iter(dataset))
    assert _orders(dataset, 1) == orders[1:]


def test_shuffle_without_a_seed_differs_between_datasets() -> None:
    orders = [
        tuple(_orders(to_dataset(Squares(), shuffle=True, workers=0), 1)[0])
        for _ in range(4)
    ]
    assert len(set(orders)) == 4
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(12))}


def test_without_shuffle_every_epoch_is_in_order(mode: dict[str, Any]) -> None:
    orders = _orders(to_dataset(Squares(), seed=5, **mode), 2)
    assert orders == [list(range(12))] * 2


def test_samples_are_shuffled_before_they_are_batched(mode: dict[str, Any]) -> None:
    dataset = to_dataset(range(40), batch_size=8, shuffle=True, seed=1, **mode)
    batches = [batch.numpy().tolist() for batch in dataset]
    assert sorted(i for batch in batches for i in batch) == list(range(40))
    assert all(batch != sorted(batch) for batch in batches)
    again = to_dataset(range(40), batch_size=8, shuffle=True, seed=1, workers=0)
    assert [batch.numpy().tolist() for batch in again] == batches


def test_huge_length_is_shuffled_without_a_list_of_it(mode: dict[str, Any]) -> None:
    source = range(2**63 - 1)
    first, second = (
        [int(number) for number in to_dataset(source, **way).take(5)]
        for way in [dict(mode, shuffle=True, seed=3), {"shuffle": True, "seed": 3}]
    )
    assert first == second
    assert len(set(first)) == 5
    assert [int(n) for n in to_dataset(source, **mode).take(3)] == [0, 1, 2]
