"""Generators of the source's own: draws belong to the batch, not to the worker."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import signal
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow
from tests.contract.own_generators import Everywhere, OfModules  # noqa: E402
from tests.contract.own_sources import (  # noqa: E402
    Augments,
    DrawsAndDies,
    DrawsOrderLate,
    MakesItLate,
    Pairs,
    Tells,
)

pytestmark = pytest.mark.tensorflow

SEEDED = {
    "default_rng": lambda seed: np.random.default_rng(seed),
    "random_state": lambda seed: np.random.RandomState(seed),
    "random": lambda seed: random.Random(seed),
}
each_seeded = pytest.mark.parametrize("kind", SEEDED)


def epochs(source: Any, count: int = 2, **how: Any) -> np.ndarray:
    """`[epoch, batch, ...]`."""
    dataset = to_dataset(source, **how)
    return np.array([[batch.numpy() for batch in dataset] for _ in range(count)])


def drawn(source: Any, count: int = 2, **how: Any) -> tuple[Any, Any]:
    """The rows and the noise of Augments."""
    dataset = to_dataset(source, **how)
    batches = [batch for _ in range(count) for batch in dataset]
    rows, noise = zip(*batches)
    return [row.numpy().tolist() for row in rows], np.array(noise).tolist()


def assert_places_equal(source: Everywhere, found: Any, wanted: Any) -> None:
    """Says at which places draws differ."""
    differing = (found != wanted).any(axis=(0, 1))
    assert [n for n, is_bad in zip(source.names, differing) if is_bad] == []


def assert_all_distinct(numbers: np.ndarray) -> None:
    assert len(np.unique(numbers)) == numbers.size


@pytest.mark.parametrize("shuffle", [False, True])
def test_seeded_draws_are_the_same_at_every_place_for_every_way_of_reading(
    mode: dict[str, Any], shuffle: bool
) -> None:
    source = Everywhere()
    wanted = epochs(Everywhere(), seed=5, shuffle=shuffle, workers=0)
    found = epochs(source, seed=5, shuffle=shuffle, **mode)
    assert_places_equal(source, found, wanted)
    assert_all_distinct(wanted)


def test_draws_without_a_seed_are_all_distinct(mode: dict[str, Any]) -> None:
    source = Everywhere()
    found = np.array([epochs(source, **mode) for _ in range(2)])
    assert_all_distinct(found)


@pytest.mark.parametrize("seed", [None, 1])
def test_users_seed_gives_the_same_draws_for_every_way_of_reading(
    mode: dict[str, Any], seed: Optional[int]
) -> None:
    source = Everywhere(300)
    wanted = epochs(Everywhere(300), workers=0)
    assert_places_equal(source, epochs(source, seed=seed, **mode), wanted)
    assert_all_distinct(wanted)


def test_another_seed_of_the_users_gives_other_draws() -> None:
    one, other = (epochs(Everywhere(seed), workers=0) for seed in (300, 3000))
    assert not np.isin(one, other).any()


def test_another_seed_of_the_dataset_gives_other_draws() -> None:
    one, other = (epochs(Everywhere(), seed=seed, workers=0) for seed in (1, 2))
    assert not np.isin(one, other).any()


@pytest.mark.parametrize("seeded", [False, True])
def test_generators_of_modules_and_classes_are_the_sources_own(
    mode: dict[str, Any], seeded: bool
) -> None:
    wanted = epochs(OfModules(seeded=seeded), seed=3, workers=0)
    found = epochs(OfModules(seeded=seeded), seed=3, **mode)
    np.testing.assert_array_equal(found, wanted)
    assert_all_distinct(wanted)
    without = epochs(OfModules(seeded=seeded), **mode)
    assert np.array_equal(without, wanted) == seeded
    assert_all_distinct(without)


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_of_a_batch_have_draws_of_their_own(workers: int) -> None:
    wanted = epochs(Everywhere(), seed=4, workers=0).reshape(2, 3, 2, -1)
    found = epochs(Everywhere(), seed=4, workers=workers, batch_size=2)
    np.testing.assert_array_equal(found, wanted)


@each_seeded
def test_on_epoch_end_draws_what_it_draws_in_plain_indexing(
    mode: dict[str, Any], kind: str
) -> None:
    source, plain = Augments(SEEDED[kind](3)), Augments(SEEDED[kind](3))
    rows, noise = drawn(source, 3, **mode)
    wanted = []
    for _ in range(3):
        wanted += [plain.rows[start : start + 4] for start in range(0, 24, 4)]
        plain.on_epoch_end()
    assert rows == wanted
    assert noise == drawn(Augments(SEEDED[kind](3)), 3, workers=0)[1]
    assert_all_distinct(np.array(noise))


@pytest.mark.parametrize("seed", [None, 1])
@each_seeded
def test_users_generator_is_left_as_it_was(
    mode: dict[str, Any], kind: str, seed: Optional[int]
) -> None:
    source = Pairs(SEEDED[kind](3), SEEDED[kind](4))
    epochs(source, seed=seed, **mode)
    assert source.images.random(1) if kind == "default_rng" else source.images
    fresh = SEEDED[kind](4)
    assert next_of(source.masks) == next_of(fresh)


def next_of(generator: Any) -> list[float]:
    return [float(generator.uniform(0, 1)) for _ in range(3)]


def test_draw_between_two_datasets_counts(mode: dict[str, Any]) -> None:
    source = Augments(np.random.default_rng(3))
    before = drawn(source, 1, **mode)[1]
    source.rng.random()
    after = drawn(source, 1, **mode)[1]
    assert not np.isin(before, after).any()


def test_draw_between_the_making_of_a_dataset_and_its_pass_counts(
    mode: dict[str, Any],
) -> None:
    found = []
    for how in ({"workers": 0}, mode):
        source = Pairs(np.random.default_rng(3), np.random.default_rng(3))
        dataset = to_dataset(source, **how)
        source.images.random()
        found.append([batch.numpy().tolist() for batch in dataset])
    assert found[0] == found[1]
    assert all(image != mask for image, mask in found[0])


@each_seeded
@pytest.mark.parametrize("copied", [False, True])
def test_generators_that_draw_the_same_here_draw_the_same_there(
    mode: dict[str, Any], kind: str, copied: bool
) -> None:
    images = SEEDED[kind](None if copied else 3)
    masks = copy.deepcopy(images) if copied else SEEDED[kind](3)
    found = epochs(Pairs(images, masks), seed=1, **mode)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    assert_all_distinct(found[..., 0])


@pytest.mark.parametrize("held", ["one", "one of bits"])
def test_shared_generator_stays_shared(mode: dict[str, Any], held: str) -> None:
    rng = np.random.default_rng(3)
    other = rng if held == "one" else np.random.Generator(rng.bit_generator)
    assert_all_distinct(epochs(Pairs(rng, other), **mode))
    assert_all_distinct(epochs(Pairs(rng, rng.bit_generator), **mode))


def test_spawned_generators_are_as_their_parent(mode: dict[str, Any]) -> None:
    def source(seed: Optional[int]) -> Pairs:
        children = np.random.SeedSequence(seed).spawn(2)
        return Pairs(*map(np.random.default_rng, children))

    wanted = epochs(source(None), seed=2, workers=0)
    np.testing.assert_array_equal(epochs(source(None), seed=2, **mode), wanted)
    wanted = epochs(source(8), seed=2, workers=0)
    np.testing.assert_array_equal(epochs(source(8), seed=3, **mode), wanted)


@pytest.mark.parametrize("rng_seed", [None, 5])
def test_replaced_worker_draws_the_same(
    start_method: str, tmp_path: Path, rng_seed: Optional[int]
) -> None:
    def source() -> DrawsAndDies:
        rng = np.random.default_rng(rng_seed)
        return DrawsAndDies(rng, str(tmp_path / "died"))

    found = drawn(source(), 1, seed=7, workers=2)
    assert (tmp_path / "died").exists()
    assert found == drawn(source(), 1, seed=7, workers=0)


@pytest.mark.parametrize("seed", [None, 5])
@each_seeded
def test_order_drawn_at_the_first_read_is_one_order(
    mode: dict[str, Any], kind: str, seed: Optional[int]
) -> None:
    wanted = epochs(DrawsOrderLate(SEEDED[kind](3)), seed=seed, workers=0)[..., 0]
    found = epochs(DrawsOrderLate(SEEDED[kind](3)), seed=seed, **mode)[..., 0]
    np.testing.assert_array_equal(found, wanted)
    assert sorted(found[0]) == list(range(24))


@pytest.mark.parametrize("seed", [None, 5])
def test_worker_of_a_later_epoch_draws_the_order_that_the_others_have(
    start_method: str, seed: Optional[int]
) -> None:
    dataset = to_dataset(
        DrawsOrderLate(np.random.RandomState()), seed=seed, workers=2, max_queue_size=1
    )
    orders = []
    for _ in range(3):
        batches = np.array([batch.numpy() for batch in dataset])
        orders.append(batches[:, 0].tolist())
        for pid in set(batches[:, 2].tolist()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert orders[0] == orders[1] == orders[2]
    assert sorted(orders[0]) == list(range(24))


@pytest.mark.parametrize("rng_seed", [None, 3])
def test_generator_that_the_first_read_makes_is_the_sources_own(
    mode: dict[str, Any], rng_seed: Optional[int]
) -> None:
    for seed in (None, 6):
        found = epochs(MakesItLate(rng_seed), seed=seed, **mode)
        assert_all_distinct(found)
        if rng_seed or seed:
            wanted = epochs(MakesItLate(rng_seed), seed=seed, workers=0)
            np.testing.assert_array_equal(found, wanted)


def test_source_whose_generator_has_moved_has_workers_of_the_fork_server() -> None:
    found = epochs(Tells(), 1, workers=3)[..., 0]
    assert len(np.unique(found)) == 1
    # While one that reading does change has workers of the first one.
    rng = np.random.default_rng()
    assert len(np.unique(epochs(DrawsOrderLate(rng), 1, workers=3)[..., 1])) == 2
