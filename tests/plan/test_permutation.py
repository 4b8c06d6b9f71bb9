from __future__ import annotations

import numpy as np
import pytest

from seq2data.plan import epochs
from seq2data.plan.epochs import Plan
from seq2data.plan.permutation import LazyPermutation

HUGE = 2**63 - 1


@pytest.mark.parametrize("length", [2, 3, 4, 5, 16, 17, 1000, 1024, 4097])
def test_every_number_comes_once(length: int) -> None:
    permutation = LazyPermutation(length, seed=7)
    assert len(permutation) == length
    assert sorted(permutation[:]) == list(range(length))


def test_numbers_are_spread_evenly() -> None:
    length, count = HUGE, 4000
    numbers = LazyPermutation(length, seed=1)[:count]
    assert len(set(numbers.tolist())) == count
    # Of 8 bins each has 500; the standard deviation is 21.
    bins = np.bincount(numbers // (length // 8 + 1), minlength=8)
    assert abs(bins - count / 8).max() < 6 * 21
    # Neighbours are no neighbours.
    assert np.abs(np.diff(numbers)).min() > 1


def test_seeds_and_slices() -> None:
    one = LazyPermutation(HUGE, seed=1)
    np.testing.assert_array_equal(one[10:20], LazyPermutation(HUGE, seed=1)[5:25][5:15])
    assert set(one[:100]).isdisjoint(LazyPermutation(HUGE, seed=2)[:100])


def test_plan_of_a_huge_length_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Plan(shuffle=True, seed=3), Plan(shuffle=True, seed=3)
    epoch, other = first.begin(HUGE), first.begin(HUGE)
    assert epoch.indices(5, 9) == second.begin(HUGE).indices(5, 9)
    assert epoch.indices(5, 9) != other.indices(5, 9)
    assert all(0 <= index < HUGE for index in epoch.indices(HUGE - 3, HUGE))
    # A length that is just too long has a pass like any other.
    monkeypatch.setattr(epochs, "MOST_IN_MEMORY", 99)
    assert sorted(first.begin(100).indices(0, 100)) == list(range(100))
