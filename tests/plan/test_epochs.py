from __future__ import annotations

import gc
import weakref

import pytest

from seq2data.plan.epochs import Epoch, Plan, epochs_of


def order(epoch: Epoch) -> tuple[int, ...]:
    return epoch.indices(0, epoch.num_batches)


def orders(seed: int, passes: int = 4, num_batches: int = 50) -> list[tuple[int, ...]]:
    plan = Plan(shuffle=True, seed=seed)
    return [order(plan.begin(num_batches)) for _ in range(passes)]


def test_passes_are_numbered_from_0() -> None:
    plan = Plan()
    assert [plan.begin(3).number for _ in range(4)] == [0, 1, 2, 3]


def test_each_pass_has_the_number_of_batches_it_was_begun_with() -> None:
    plan = Plan(shuffle=True, seed=1)
    assert [plan.begin(n).num_batches for n in (3, 5, 1)] == [3, 5, 1]


def test_order_is_that_of_the_source_unless_shuffled() -> None:
    plan = Plan(seed=3)
    assert [order(plan.begin(4)) for _ in range(2)] == [(0, 1, 2, 3)] * 2


@pytest.mark.parametrize("num_batches", [1, 2, 7, 1000])
def test_shuffled_order_has_each_index_once(num_batches: int) -> None:
    found = order(Plan(shuffle=True, seed=3).begin(num_batches))
    assert sorted(found) == list(range(num_batches))


def test_each_epoch_has_its_own_order() -> None:
    found = {*orders(seed=3), tuple(range(50))}
    assert len(found) == 5


def test_equal_seeds_give_equal_orders() -> None:
    assert orders(seed=3) == orders(seed=3)


def test_other_seeds_give_other_orders() -> None:
    assert not set(orders(seed=3)) & set(orders(seed=4))


def test_order_does_not_depend_on_the_passes_before() -> None:
    plan = Plan(shuffle=True, seed=3)
    for num_batches in (7, 2):
        plan.begin(num_batches)
    assert order(plan.begin(50)) == orders(seed=3)[2]


def test_order_without_a_seed_differs_from_dataset_to_dataset() -> None:
    plans = [Plan(shuffle=True) for _ in range(4)]
    assert len({order(plan.begin(50)) for plan in plans}) == 4


def test_entropy_is_the_seed() -> None:
    assert Plan(seed=7).entropy == 7


def test_entropy_without_a_seed_differs_from_dataset_to_dataset() -> None:
    assert len({Plan().entropy for _ in range(8)}) == 8


@pytest.mark.parametrize("shuffle", [False, True])
def test_indices_are_those_of_the_positions_asked_for(shuffle: bool) -> None:
    epoch = Plan(shuffle, seed=3).begin(10)
    assert epoch.indices(3, 7) == order(epoch)[3:7]


@pytest.mark.parametrize("shuffle", [False, True])
def test_indices_are_python_ints(shuffle: bool) -> None:
    assert {type(i) for i in order(Plan(shuffle, seed=3).begin(5))} == {int}


class Unhashable:
    __hash__ = None  # type: ignore[assignment]


def test_datasets_of_a_source_go_on_counting() -> None:
    source = Unhashable()
    first = Plan(epochs=epochs_of(source))
    assert first.next_epoch == 0
    assert [first.begin(3).number for _ in range(2)] == [0, 1]
    second = Plan(epochs=epochs_of(source))
    assert second.next_epoch == 2
    assert [second.begin(3).number, first.begin(3).number] == [2, 3]
    assert Plan(epochs=epochs_of(Unhashable())).next_epoch == 0
    assert Plan().next_epoch == 0


def test_count_goes_with_the_source() -> None:
    source = Unhashable()
    count = weakref.ref(epochs_of(source))
    assert count() is epochs_of(source)
    del source
    gc.collect()
    assert count() is None


def test_source_that_cannot_be_referred_to_weakly_counts_anew() -> None:
    source = [1, 2]
    epochs_of(source).begun = 3
    assert epochs_of(source).begun == 0
