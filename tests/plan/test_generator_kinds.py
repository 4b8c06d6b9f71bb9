from __future__ import annotations

import copy
import random
from typing import Any, Callable, Optional

import numpy as np
import pytest

from seq2data.plan.generator_kinds import digest_of, kind_of, known_kind_of
from tests.contract.own_generators import MAKE, draw

DIGEST = digest_of(1, 2, 3)
# Of 64 bits; what numpy draws for itself has 128.
HARD_CODED = 12_345_678_901_234_567_890


class Dice(random.Random):
    """A subclass of the user's."""


class ElseWhere(random.Random):
    """Has another state."""

    def getstate(self) -> Any:
        return 3


KINDS: dict[str, Callable[[Optional[int]], Any]] = {
    **MAKE,
    "sfc64": lambda seed: np.random.Generator(np.random.SFC64(seed)),
    "pcg64dxsm": lambda seed: np.random.Generator(np.random.PCG64DXSM(seed)),
    "subclass": Dice,
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def numbers(generator: Any) -> list[float]:
    """Normal ones as well, of which some generators keep every second."""
    return [draw(generator), *normal(generator), draw(generator)]


def normal(generator: Any) -> list[float]:
    if hasattr(generator, "gauss"):
        return [generator.gauss(0, 1)]
    return [generator.normal()] if hasattr(generator, "normal") else []


@each_kind
@pytest.mark.parametrize("seed", [None, 3])
def test_restored_state_draws_the_same_again(make: Any, seed: Optional[int]) -> None:
    generator = make(seed)
    normal(generator)
    kind = known_kind_of(generator)
    state = kind.state(generator)
    first = numbers(generator)
    assert kind.state(generator).value != state.value
    kind.seed(generator, DIGEST)
    assert kind.state(generator).value != state.value
    kind.restore(generator, state)
    assert kind.state(generator).value == state.value
    assert numbers(generator) == first


@each_kind
def test_seeded_generators_draw_the_same_whatever_they_have_drawn(make: Any) -> None:
    drawn = []
    for seed in (None, None, 3, 4):
        generator = make(seed)
        normal(generator)
        known_kind_of(generator).seed(generator, DIGEST)
        drawn.append(numbers(generator))
    assert drawn[0] == drawn[1] == drawn[2] == drawn[3]
    known_kind_of(generator).seed(generator, digest_of(1, 2, 4))
    assert numbers(generator) != drawn[0]


@each_kind
@pytest.mark.parametrize("seed", [None, 0, 3, HARD_CODED])
def test_seed_of_the_users_is_known(make: Any, seed: Optional[int]) -> None:
    if seed == HARD_CODED and make is np.random.RandomState:
        pytest.skip("takes no seed of more than 32 bits")
    generator = make(seed)
    kind = known_kind_of(generator)
    for _ in range(3):
        assert kind.is_seeded(kind.state(generator)) == (seed is not None)
        before = kind.state(generator)
        kind.seed(generator, DIGEST)
        kind.restore(generator, before)  # leaves no trace
        numbers(generator)


@pytest.mark.parametrize("seed", [[1, 2], np.random.SeedSequence(5), "text", b"b", 1.5])
def test_seed_of_another_kind_is_known(seed: Any) -> None:
    is_number = isinstance(seed, (list, np.random.SeedSequence))
    generator = (np.random.default_rng if is_number else random.Random)(seed)
    kind = known_kind_of(generator)
    assert kind.is_seeded(kind.state(generator))


@pytest.mark.parametrize("seed", [None, 3])
def test_spawned_seeds_are_as_their_parent(seed: Optional[int]) -> None:
    child = np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[2])
    kind = known_kind_of(child)
    assert kind.is_seeded(kind.state(child)) == (seed is not None)


def test_generators_of_the_same_bits_are_one() -> None:
    one = np.random.default_rng()
    for other in (np.random.Generator(one.bit_generator), one.bit_generator):
        assert known_kind_of(other).identity(other) is known_kind_of(one).identity(one)
    assert known_kind_of(one).identity(one) is not known_kind_of(one).identity(
        copy.deepcopy(one)
    )


@pytest.mark.parametrize(
    "value", [random.SystemRandom(), ElseWhere(), np.random, np.zeros(3), 3, random]
)
def test_what_has_no_state_is_no_generator(value: Any) -> None:
    assert kind_of(type(value)) is None


RECORDED = {
    np.random.default_rng: "5869d8d760d075ac2068f898d3eee366",
    np.random.RandomState: "6e69bb82ab9fe215176919a26e3f0803",
    random.Random: "b72746cd09afb2aa766339958d99af16",
}


@pytest.mark.parametrize("make", RECORDED)
def test_value_of_a_state_is_the_same_in_every_version(make: Any) -> None:
    generator = make(3)
    value = known_kind_of(generator).state(generator).value
    assert digest_of(value).hex() == RECORDED[make]
