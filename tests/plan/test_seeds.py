from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Callable

import numpy as np
import pytest

from seq2data.plan.seeds import GeneratorStates, seed_generators

DRAWS: list[Callable[[], object]] = [
    random.random,
    lambda: random.gauss(0, 1),
    np.random.rand,
    np.random.randn,
    lambda: np.random.permutation(5),
]
DRAW_NAMES = ["random", "gauss", "rand", "randn", "permutation"]

each_way_to_draw = pytest.mark.parametrize("draw", DRAWS, ids=DRAW_NAMES)


@pytest.fixture(autouse=True)
def _own_states() -> Iterator[None]:
    """The other tests' random numbers stay what they were."""
    before = random.getstate(), np.random.get_state()
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])


def drawn() -> tuple[float, ...]:
    """What user code would see next; of both generators, cached normals included."""
    return (
        *(random.random(), random.gauss(0, 1), random.gauss(0, 1)),
        *(np.random.rand(), np.random.randn(), np.random.randn()),
    )


def drawn_after(entropy: int, epoch: int, index: int) -> tuple[float, ...]:
    seed_generators(entropy, epoch, index)
    return drawn()


def test_equal_seed_epoch_and_index_give_equal_numbers() -> None:
    first = drawn_after(3, 1, 4)
    drawn_after(8, 8, 8)
    assert drawn_after(3, 1, 4) == first


@each_way_to_draw
def test_numbers_do_not_depend_on_what_was_drawn_before(
    draw: Callable[[], object],
) -> None:
    first = drawn_after(3, 1, 4)
    draw()
    assert drawn_after(3, 1, 4) == first


def test_no_two_batches_share_random_numbers() -> None:
    grid = itertools.product([0, 1, 2**70], range(6), range(12))
    numbers = [drawn_after(*key) for key in grid]
    assert len(numbers) == 3 * 6 * 12
    for column in zip(*numbers):
        assert len(set(column)) == len(numbers)


def test_epoch_and_index_are_not_interchangeable() -> None:
    assert drawn_after(3, 1, 2) != drawn_after(3, 2, 1)


def test_the_two_generators_do_not_give_the_same_numbers() -> None:
    seed_generators(3, 1, 4)
    assert random.random() != np.random.rand()


def test_states_of_one_moment_are_equal() -> None:
    assert GeneratorStates() == GeneratorStates()


@each_way_to_draw
def test_draw_changes_the_states(draw: Callable[[], object]) -> None:
    before = GeneratorStates()
    draw()
    assert before != GeneratorStates()


@pytest.mark.parametrize(
    "draw", [lambda: random.gauss(0, 1), np.random.randn], ids=["random", "numpy"]
)
def test_draw_of_a_number_that_was_kept_changes_the_states(
    draw: Callable[[], object],
) -> None:
    """Normal numbers are made in pairs, and the second one is kept."""
    seed_generators(3, 1, 4)
    draw()
    before = GeneratorStates()
    draw()
    assert before != GeneratorStates()


@pytest.mark.parametrize("drawn_before", [0, 1])
def test_restored_states_give_the_same_numbers_again(drawn_before: int) -> None:
    seed_generators(3, 1, 4)
    for _ in range(drawn_before):
        random.gauss(0, 1)
        np.random.randn()
    states = GeneratorStates()
    first = drawn()
    seed_generators(5, 5, 5)
    states.restore()
    assert GeneratorStates() == states
    assert drawn() == first


def test_states_are_no_snapshot_of_another_kind() -> None:
    assert GeneratorStates() != random.getstate()
