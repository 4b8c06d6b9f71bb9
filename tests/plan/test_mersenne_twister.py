from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from seq2data.plan.mersenne_twister import has_short_key

SEEDS = {
    "0": 0,
    "1": 1,
    "a number": 42,
    "below 0": -5,
    "32 bits": 2**32 - 1,
    "33 bits": 2**32,
    "64 bits": 2**64 - 1,
    "300 bits": 2**300 + 7,
    "float": 0.5,
    "text": "fold 3",
    "no text": "",
    "long text": "a name of an experiment, as long as they may be" * 9,
    "bytes": b"\0\1",
}
# Nothing, within what a seeding has made, all of it, and so on.
DRAWN = [0, 1, 623, 624, 625, 1248, 1249, 5000, 300_000]


def words_after(generator: random.Random, drawn: int) -> bytes:
    for count in [10_000] * (drawn // 10_000) + [drawn % 10_000]:
        if count:
            generator.getrandbits(32 * count)
    return np.array(generator.getstate()[1][:-1], np.uint32).tobytes()


@pytest.mark.parametrize("drawn", DRAWN)
@pytest.mark.parametrize("seed", SEEDS)
def test_seed_is_told_from_the_state(seed: str, drawn: int) -> None:
    generator = random.Random(SEEDS[seed])
    assert has_short_key(words_after(generator, drawn))


@pytest.mark.parametrize("drawn", DRAWN)
def test_generator_without_a_seed_has_none(drawn: int) -> None:
    assert not has_short_key(words_after(random.Random(), drawn))


@pytest.mark.parametrize("seed", [None, 7])
def test_seed_is_told_after_all_kinds_of_draws(seed: Any) -> None:
    generator = random.Random(seed)
    for _ in range(500):
        generator.gauss(0, 1)
        generator.randrange(1000)
        generator.shuffle(list(range(20)))
    assert has_short_key(words_after(generator, 0)) == (seed is not None)


def test_seed_that_was_set_later_counts() -> None:
    generator = random.Random()
    generator.random()
    generator.seed(3)
    assert has_short_key(words_after(generator, 7))
    generator.seed()
    assert not has_short_key(words_after(generator, 7))


def test_numpys_seeding_by_several_numbers_is_the_same() -> None:
    state = np.random.RandomState([1, 2, 3]).get_state()
    assert has_short_key(state[1].astype(np.uint32).tobytes())
