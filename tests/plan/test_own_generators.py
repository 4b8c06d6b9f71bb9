from __future__ import annotations

import copy
import itertools
import random
from typing import Any, Optional

import numpy as np

from seq2data.plan.generator_kinds import State, known_kind_of
from seq2data.plan.own_generators import OwnGenerators


def state_of(generator: Any) -> State:
    return known_kind_of(generator).state(generator)


def own(*generators: Any) -> OwnGenerators:
    return OwnGenerators.of(generators, state_of)


def drawn(
    generators: OwnGenerators, entropy: Optional[int], epoch: int, index: int
) -> list[float]:
    generators.seed(entropy, epoch, index)
    return [member.generator.random() for member in generators.members]


def test_draws_of_unseeded_generators_follow_from_entropy_epoch_and_index() -> None:
    mine, other = (
        own(np.random.default_rng(), random.Random(), np.random.default_rng())
        for _ in range(2)
    )
    keys = list(itertools.product([1, 2], range(3), range(4)))
    numbers = [drawn(mine, *key) for key in keys]
    assert [drawn(other, *key) for key in reversed(keys)][::-1] == numbers
    assert len({number for row in numbers for number in row}) == 3 * len(keys)


def test_draws_of_seeded_generators_follow_from_their_state() -> None:
    mine, other = (own(np.random.default_rng(1), random.Random(2)) for _ in range(2))
    assert drawn(mine, 1, 0, 3) == drawn(other, 2, 0, 3) == drawn(mine, None, 0, 3)
    assert drawn(mine, 1, 0, 3) != drawn(mine, 1, 0, 4)
    assert drawn(mine, 1, 0, 3) != drawn(mine, 1, 1, 3)
    assert drawn(mine, 1, 0, 3) != drawn(own(np.random.default_rng(5)), 1, 0, 3)


def test_state_at_the_begin_of_the_pass_counts_not_the_one_that_a_batch_left() -> None:
    generator = random.Random(2)
    mine = own(generator)
    before = state_of(generator)
    first = drawn(mine, None, 0, 0)
    assert drawn(mine, None, 0, 1) != first
    assert drawn(mine, None, 0, 0) == first
    known_kind_of(generator).restore(generator, before)
    generator.random()
    assert drawn(own(generator), None, 0, 0) != first


def test_without_entropy_only_those_with_a_seed_are_seeded() -> None:
    generators = own(np.random.default_rng(), np.random.default_rng(1))
    before = state_of(generators.members[0].generator)
    generators.seed(None, 0, 0)
    assert state_of(generators.members[0].generator).value == before.value
    assert generators.with_seed(None) == generators.members[1:]
    assert generators.with_seed(3) == generators.members


def test_generators_in_equal_states_draw_the_same() -> None:
    unseeded = np.random.default_rng()
    for pair in (
        own(unseeded, copy.deepcopy(unseeded)),
        own(np.random.default_rng(1), np.random.default_rng(1)),
    ):
        image, mask = drawn(pair, 3, 0, 0)
        assert image == mask


def test_generators_of_the_same_bits_count_once() -> None:
    one = np.random.default_rng()
    other = np.random.Generator(one.bit_generator)
    assert [m.generator for m in own(one, other, one.bit_generator).members] == [one]


def test_further_generators_leave_the_others_their_ordinals() -> None:
    one, other = np.random.default_rng(), np.random.default_rng()
    before = own(one)
    after = before.joined_by([other, one], state_of)
    assert after.members[0] == before.members[0]
    assert [member.generator for member in after.members] == [one, other]
    assert after.has_more_than(before)
    assert not before.has_more_than(after)
    assert len(set(drawn(after, 1, 0, 0))) == 2


def test_equal_if_they_are_the_same_with_the_same_seeds() -> None:
    seeded, unseeded = random.Random(3), random.Random()
    before = own(seeded, unseeded)
    assert own(seeded, unseeded) == before
    unseeded.random()
    assert own(seeded, unseeded) == before
    seeded.random()
    assert own(seeded, unseeded) != before
    assert own(random.Random(3), unseeded) != before
    assert before != [seeded, unseeded]
