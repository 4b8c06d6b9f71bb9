"""Datasets used several times, several at a time, and by other datasets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.batches import Large
from tests.hostile import FailsOnce
from tests.oracle import assert_same, assert_yields
from tests.sources import Epochs, Squares

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


def _indices(dataset: Any) -> list[int]:
    return [int(x[0, 0]) for x, _ in dataset]


@pytest.mark.parametrize("source", [Squares(), Large(8)], ids=["small", "large"])
def test_iterators_over_one_dataset_do_not_disturb_each_other(
    source: Any, mode: dict[str, Any]
) -> None:
    dataset = to_dataset(source, max_queue_size=2, **mode)
    ahead, behind, abandoned = iter(dataset), iter(dataset), iter(dataset)
    for index in range(len(source)):
        assert_same(next(ahead), source[index])
        if index % 2:
            assert_same(next(behind), source[index // 2])
        if index == 3:
            assert_same(next(abandoned), source[0])
            del abandoned
    assert next(ahead, None) is None
    for index in range(len(source) // 2, len(source)):
        assert_same(next(behind), source[index])
    assert next(behind, None) is None


def test_datasets_over_one_source_do_not_disturb_each_other(
    mode: dict[str, Any],
) -> None:
    source = Squares()
    one, other = to_dataset(source, **mode), to_dataset(source, seed=1, **mode)
    for index, (first, second) in enumerate(zip(one, other)):
        assert_same(first, source[index])
        assert_same(second, source[index])
    del one
    assert_yields(other, source)


def test_repeat_gives_pass_after_pass(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Epochs(), **mode).repeat(3)
    assert [batch.numpy().tolist() for batch in dataset] == [
        [epoch, index] for epoch in range(3) for index in range(5)
    ]


def test_endless_repeat_can_be_left(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(5), **mode).repeat()
    assert _indices(dataset.take(13)) == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]


def test_take_gives_the_beginning_each_time(mode: dict[str, Any]) -> None:
    beginning = to_dataset(Squares(), **mode).take(3)
    assert [_indices(beginning) for _ in range(3)] == [[0, 1, 2]] * 3


def test_skip_and_shard_give_their_parts(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(), **mode)
    assert _indices(dataset.skip(9)) == [9, 10, 11]
    assert _indices(dataset.shard(3, 1)) == [1, 4, 7, 10]


def test_zip_pairs_the_batches_of_two_sources(mode: dict[str, Any]) -> None:
    small, large = Squares(9), Large(6)
    pairs = tf.data.Dataset.zip((to_dataset(small, **mode), to_dataset(large, **mode)))
    got = list(pairs)
    assert len(got) == 6
    for index, pair in enumerate(got):
        assert_same(pair, (small[index], large[index]))


def test_dataset_can_be_zipped_with_itself(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(), **mode)
    got = list(tf.data.Dataset.zip((dataset, dataset)))
    assert len(got) == len(Squares())
    for index, (one, other) in enumerate(got):
        assert_same((one, other), (Squares()[index], Squares()[index]))


def test_concatenate_goes_on_with_the_other_source(mode: dict[str, Any]) -> None:
    both = to_dataset(Squares(3), **mode).concatenate(to_dataset(Squares(4), **mode))
    assert len(both) == 7
    assert [_indices(both) for _ in range(2)] == [[0, 1, 2, 0, 1, 2, 3]] * 2


def test_unbatch_and_batch_give_the_same_rows(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(5, 4), **mode)
    rows = [Squares(5, 4)[index] for index in range(5)]
    x, y = (np.concatenate(part) for part in zip(*rows))
    batches = list(dataset.unbatch().batch(6))
    assert [len(labels) for _, labels in batches] == [6, 6, 6, 2]
    np.testing.assert_array_equal(np.concatenate([b for b, _ in batches]), x)
    np.testing.assert_array_equal(np.concatenate([b for _, b in batches]), y)


@pytest.mark.skipif(
    not hasattr(tf.data.Dataset, "rebatch"), reason="TF 2.11 brought it"
)
def test_rebatch_gives_the_same_rows(mode: dict[str, Any]) -> None:
    batches = list(to_dataset(Squares(5, 4), **mode).rebatch(8, drop_remainder=True))
    assert [x[::4, 0].numpy().tolist() for x, _ in batches] == [[0, 1], [2, 3]]


def test_batch_stacks_batches(mode: dict[str, Any]) -> None:
    stacked = list(to_dataset(Squares(6), **mode).batch(4))
    assert [x.shape[0] for x, _ in stacked] == [4, 2]
    assert stacked[1][0][:, 0, 0].numpy().tolist() == [4, 5]


@pytest.mark.parametrize("source", [Squares(), Large(8)], ids=["small", "large"])
def test_map_cache_and_prefetch_keep_the_values(
    source: Any, mode: dict[str, Any]
) -> None:
    dataset = to_dataset(source, **mode)
    derived = (
        dataset.map(lambda *batch: batch, num_parallel_calls=2).cache().prefetch(3)
    )
    assert_yields(derived, source)
    assert_yields(derived, source)


def test_interleave_reads_one_dataset_several_times_at_once(
    mode: dict[str, Any],
) -> None:
    dataset = to_dataset(Squares(5), **mode)
    twice = tf.data.Dataset.range(2).interleave(
        lambda _: dataset, cycle_length=2, num_parallel_calls=2
    )
    assert _indices(twice) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_interleave_reads_two_datasets_at_once(mode: dict[str, Any]) -> None:
    few, many = to_dataset(Squares(2), **mode), to_dataset(Squares(4), **mode)
    more = many.map(_plus_ten)
    choice = tf.data.Dataset.from_tensor_slices(np.array([0, 1, 1, 0, 1, 1]))
    chosen = tf.data.Dataset.choose_from_datasets([few, more], choice)
    assert _indices(chosen) == [0, 10, 11, 1, 12, 13]

    @tf.autograph.experimental.do_not_convert
    def one_of_both(which: tf.Tensor) -> tf.data.Dataset:
        return few.take(2 - 2 * which).concatenate(more.take(4 * which))

    both = tf.data.Dataset.range(2).interleave(one_of_both, cycle_length=2)
    assert _indices(both) == [0, 10, 1, 11, 12, 13]


def _plus_ten(x: Any, y: Any) -> Any:
    return x + 10, y


def test_dataset_serves_again_after_an_error(
    mode: dict[str, Any], tmp_path: Path
) -> None:
    source = FailsOnce(str(tmp_path / "failed"))
    dataset = to_dataset(source, **mode)
    iterator = iter(dataset)
    for index in range(3):
        assert_same(next(iterator), source[index])
    with pytest.raises(tf.errors.OpError, match="for a moment"):
        next(iterator)
    assert_yields(dataset, source)
    assert_yields(dataset, source)


def test_dataset_that_only_a_function_captures_stays_alive() -> None:
    def interleaved() -> tf.data.Dataset:
        dataset = to_dataset(Squares(3), workers=0)
        return tf.data.Dataset.range(2).interleave(lambda _: dataset)

    assert sorted(_indices(interleaved())) == [0, 0, 1, 1, 2, 2]


def test_iterator_outlives_the_name_of_its_dataset(mode: dict[str, Any]) -> None:
    iterator = iter(to_dataset(Squares(), **mode))
    assert_yields(iterator, Squares())


def test_derived_dataset_outlives_the_name_of_its_source(mode: dict[str, Any]) -> None:
    derived = to_dataset(Squares(), **mode).map(lambda x, y: (x, y)).prefetch(1)
    assert_yields(derived, Squares())
    iterator = iter(derived)
    del derived
    assert_yields(iterator, Squares())


def test_dataset_is_read_in_a_graph(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(), **mode)

    @tf.function
    def captured() -> tf.Tensor:
        total = tf.constant(0, tf.int64)
        for _, y in dataset:
            total += tf.reduce_sum(y)
        return total

    @tf.function
    def passed(argument: tf.data.Dataset) -> tf.Tensor:
        total = tf.constant(0, tf.int64)
        for _, y in argument:
            total += tf.reduce_sum(y)
        return total

    expected = sum(int(Squares()[index][1].sum()) for index in range(12))
    assert [int(captured()), int(captured())] == [expected] * 2
    assert [int(passed(dataset)), int(passed(dataset))] == [expected] * 2


def test_iterator_is_read_in_a_graph(mode: dict[str, Any]) -> None:
    iterator = iter(to_dataset(Squares(), **mode))

    @tf.function
    def step(batches: Iterator[Any]) -> tf.Tensor:
        return next(batches)[0][0, 0]

    assert [int(step(iterator)) for _ in range(12)] == list(range(12))
    with pytest.raises(tf.errors.OutOfRangeError):
        step(iterator)


def test_reduce_sees_every_batch(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(), **mode)
    count = dataset.reduce(np.int64(0), lambda total, _: total + 1)
    assert int(count) == 12
