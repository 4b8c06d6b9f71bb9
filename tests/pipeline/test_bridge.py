"""Arrays reach TensorFlow, and the training step, in the memory that a worker wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contract.batches import Large

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


def _address(tensor: Any) -> int:
    """Of the tensor's own memory: `tensor.numpy()` would be a copy."""
    return np.asarray(memoryview(tensor)).ctypes.data


def _shared_memory() -> Iterator[tuple[int, int]]:
    """(start, end) of each segment that is mapped here."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "memfd:seq2data" in line:
            start, end = line.split()[0].split("-")
            yield int(start, 16), int(end, 16)


def _is_shared(tensor: Any) -> bool:
    return any(start <= _address(tensor) < end for start, end in _shared_memory())


def test_address_tells_a_copy_from_shared_memory(start_method: str) -> None:
    x, _ = next(iter(to_dataset(Large(), workers=1)))
    assert not _is_shared(tf.identity(x) + 1)
    assert not _is_shared(tf.constant(x.numpy()))


def test_large_batch_shares_the_workers_memory(start_method: str) -> None:
    for _ in range(2):
        count = 0
        for x, rest in to_dataset(Large(), workers=2):
            assert _is_shared(x)
            assert _is_shared(rest["y"])
            count += 1
        assert count == len(Large())


def test_large_batch_of_a_generator_shares_the_workers_memory() -> None:
    source = Large(5)
    dataset = to_dataset(lambda: (source[i] for i in range(5)), workers=1)
    assert [_is_shared(x) for x, _ in dataset] == [True] * 5


def test_derived_datasets_share_the_workers_memory() -> None:
    dataset = to_dataset(Large(), workers=2).repeat(2).prefetch(2)
    derived = dataset.map(lambda x, rest: (x, rest["y"])).enumerate()
    assert [_is_shared(x) for _, (x, _) in derived] == [True] * 12


def test_large_batch_read_in_this_process_is_aligned_for_tensorflow() -> None:
    # That is TensorFlow's condition for taking memory over without a copy.
    addresses = [_address(x) for x, _ in to_dataset(Large(), workers=0)]
    assert [address % 64 for address in addresses] == [0] * len(Large())


def test_segment_is_not_written_while_a_tensor_of_it_is_alive(
    start_method: str,
) -> None:
    dataset = to_dataset(Large(12), workers=2, max_queue_size=1)
    kept = [x for _ in range(3) for x, _ in dataset]
    assert len({_address(x) for x in kept}) == 36
    for position, x in enumerate(kept):
        np.testing.assert_array_equal(x, np.full((3, 40_000), position % 12))


def test_segment_is_not_written_while_a_part_of_a_tensor_is_alive() -> None:
    dataset = to_dataset(Large(12), workers=2, max_queue_size=1)
    kept = [tf.reshape(x, [-1])[64:] for _ in range(3) for x, _ in dataset]
    assert len(kept) == 3 * 12
    for position, part in enumerate(kept):
        np.testing.assert_array_equal(part, np.full(120_000 - 64, position % 12))


def test_segment_is_not_written_while_an_array_of_the_tensor_is_alive() -> None:
    dataset = to_dataset(Large(12), workers=2, max_queue_size=1)
    kept = [np.asarray(memoryview(x)) for _ in range(2) for x, _ in dataset]
    assert len(kept) == 2 * 12
    for position, array in enumerate(kept):
        np.testing.assert_array_equal(array, np.full((3, 40_000), position % 12))


def test_tensor_outlives_its_dataset(start_method: str) -> None:
    x, _ = next(iter(to_dataset(Large(), workers=1)))
    np.testing.assert_array_equal(x, np.zeros((3, 40_000)))
    assert _is_shared(x)


def test_segments_are_used_again() -> None:
    dataset = to_dataset(Large(40), workers=2, max_queue_size=2)
    addresses = {_address(x) for _ in range(3) for x, _ in dataset}
    assert len(addresses) < 40


def test_fit_hands_the_workers_memory_to_the_training_step() -> None:
    found = []

    class Watching(tf.keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            found.append((_is_shared(x), _is_shared(y["y"])))
            return {"loss": tf.constant(0.0)}

    model = Watching()
    model.compile(run_eagerly=True)
    model.fit(to_dataset(Large(), workers=2), epochs=2, verbose=0)
    assert found == [(True, True)] * 12


def test_fit_in_a_graph_computes_on_the_workers_memory() -> None:
    found = []

    def look(x: Any) -> np.ndarray:
        found.append(_is_shared(x))
        return np.float32(0)

    class Watching(tf.keras.Model):
        def train_step(self, data: Any) -> Any:
            return {"loss": tf.py_function(look, [data[0]], tf.float32)}

    model = Watching()
    model.compile()
    model.fit(to_dataset(Large(), workers=2), epochs=2, verbose=0)
    assert found == [True] * 12


def test_pipeline_neither_shards_nor_borrows_the_training_threads() -> None:
    options = to_dataset(Large(), workers=0).options()
    policy = options.experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF
    assert options.threading.private_threadpool_size > 1
