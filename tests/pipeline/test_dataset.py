"""What `to_dataset` says of itself, and samples that tf.data batches."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from seq2data.errors import BatchError
from tests.oracle import assert_same, assert_yields
from tests.sources import Squares, counting

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


def _inline(source: Any, **options: Any) -> tf.data.Dataset:
    return to_dataset(source, workers=0, **options)


def test_result_is_a_dataset() -> None:
    assert isinstance(_inline(Squares()), tf.data.Dataset)
    assert isinstance(_inline(Squares(), batch_size=2), tf.data.Dataset)
    assert isinstance(_inline(counting), tf.data.Dataset)


def test_spec_has_the_dtypes_and_only_the_batch_dimension_open() -> None:
    assert _inline(Squares()).element_spec == (
        tf.TensorSpec([None, 3], tf.float32),
        tf.TensorSpec([None], tf.int64),
    )


def test_spec_leaves_open_where_first_and_last_batch_differ() -> None:
    source = [np.zeros((4, 3, i, 2), np.uint8) for i in (5, 5, 7)]
    spec = tf.TensorSpec([None, 3, None, 2], tf.uint8)
    assert _inline(source).element_spec == spec


def test_spec_has_no_rank_where_first_and_last_batch_differ_in_it() -> None:
    source = [np.zeros((4, 3)), np.zeros((4, 3, 1))]
    assert _inline(source).element_spec == tf.TensorSpec(None, tf.float64)
    assert_yields(_inline(source), source)


def test_spec_of_single_samples_is_static() -> None:
    source = [(np.zeros((2, 3), np.float32), i) for i in range(5)]
    assert _inline(source, batch_size=2).element_spec == (
        tf.TensorSpec([None, 2, 3], tf.float32),
        tf.TensorSpec([None], tf.int64),
    )


def test_spec_of_a_scalar_batch_is_a_scalar() -> None:
    assert _inline([1.5, 2.5]).element_spec == tf.TensorSpec([], tf.float64)


def test_spec_shows_the_nesting() -> None:
    source = [{"b": [np.zeros(2), None], "a": "text"}] * 2
    spec = _inline(source).element_spec
    assert set(spec) == {"a", "b"}
    assert spec["a"] == tf.TensorSpec([], tf.string)
    assert spec["b"][0] == tf.TensorSpec([None], tf.float64)
    assert isinstance(spec["b"], tuple)


def test_spec_of_a_sparse_leaf_is_sparse() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    source = [sparse.csr_matrix(np.eye(3, 4) * i) for i in range(3)]
    assert _inline(source).element_spec == tf.SparseTensorSpec([None, 4], tf.float64)


@pytest.mark.parametrize("shape", [None, [None, None], [None, 3], [4, 3]])
def test_signature_is_the_spec(shape: Any) -> None:
    signature = (tf.TensorSpec(shape, tf.float32), tf.TensorSpec([None], tf.int64))
    dataset = _inline(Squares(), output_signature=signature)
    assert dataset.element_spec == signature
    assert_yields(dataset, Squares())


def test_signature_of_samples_gets_the_batch_dimension() -> None:
    signature = tf.TensorSpec([None], tf.float32)
    source = [np.zeros(3, np.float32)] * 4
    dataset = _inline(source, output_signature=signature, batch_size=2)
    assert dataset.element_spec == tf.TensorSpec([None, None], tf.float32)


@pytest.mark.parametrize("floats", [4, 100_000])
@pytest.mark.parametrize("num_batches", [1, 2, 9])
def test_cardinality_is_the_sources_length(num_batches: int, floats: int) -> None:
    dataset = _inline([np.zeros(floats)] * num_batches)
    assert dataset.cardinality().numpy() == num_batches
    assert len(dataset) == num_batches
    assert len(dataset.repeat(3)) == 3 * num_batches


@pytest.mark.parametrize(("batch_size", "batches"), [(1, 10), (3, 4), (10, 1), (99, 1)])
def test_cardinality_counts_batches_of_samples(batch_size: int, batches: int) -> None:
    dataset = _inline(range(10), batch_size=batch_size)
    assert len(dataset) == batches
    sizes = [len(batch) for batch in dataset]
    assert sizes[:-1] == [min(batch_size, 10)] * (batches - 1)
    assert sum(sizes) == 10


def test_cardinality_of_a_generator_is_unknown() -> None:
    assert _inline(counting).cardinality() == tf.data.UNKNOWN_CARDINALITY


def test_auto_shard_is_off_and_stays_off() -> None:
    off = tf.data.experimental.AutoShardPolicy.OFF
    for dataset in (
        _inline(Squares()),
        _inline(Squares(), batch_size=2),
        _inline(counting),
        _inline(Squares()).map(lambda x, y: x).prefetch(1),
    ):
        policy = dataset.options().experimental_distribute.auto_shard_policy
        assert policy == off


def test_mirrored_strategy_distributes_every_row_without_a_warning() -> None:
    # The devices must be made before TensorFlow starts, so in a process of its own.
    code = """
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"  # the warning is what this is about

    import sys
    import numpy as np
    import tensorflow as tf
    from seq2data import to_dataset
    from tests.sources import Squares

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def rows(dataset):
        found = []
        for x, y in strategy.experimental_distribute_dataset(dataset):
            for replica in strategy.experimental_local_results(x):
                found += replica.numpy()[:, 0].tolist()
        return sorted(found)

    expected = sorted(float(i) for i in range(12) for _ in range(4))
    print("ours:", file=sys.stderr, flush=True)
    assert rows(to_dataset(Squares(), workers=2)) == expected
    assert rows(to_dataset(Squares(), workers=0)) == expected

    print("theirs:", file=sys.stderr, flush=True)
    spec = tf.TensorSpec([None, 3], tf.float32), tf.TensorSpec([None], tf.int64)
    batches = [Squares()[index] for index in range(12)]
    legacy = tf.data.Dataset.from_generator(
        lambda: iter(batches), output_signature=spec
    )
    legacy = legacy.apply(tf.data.experimental.assert_cardinality(12))
    assert rows(legacy) == expected
    """
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours, theirs = done.stderr.split("ours:")[1].split("theirs:")
    assert "shard" not in ours, ours
    assert "shard" in theirs, "this TensorFlow does not warn of anything"


def test_samples_of_any_type_serve_with_a_transform(mode: dict[str, Any]) -> None:
    @dataclass
    class Visit:
        patient: str
        minutes: float

    source = [{"visits": [Visit(f"P{i}", i / 2)], "open": object} for i in range(7)]

    def arrays(sample: Any) -> Any:
        visit = sample["visits"][0]
        return np.full(3, visit.minutes, np.float32), visit.patient

    dataset = to_dataset(source, transform=arrays, batch_size=3, **mode)
    got = list(dataset)
    assert [len(names) for _, names in got] == [3, 3, 1]
    names = [name for _, batch in got for name in batch.numpy().tolist()]
    assert names == [f"P{i}".encode() for i in range(7)]
    minutes = np.concatenate([x for x, _ in got])
    np.testing.assert_array_equal(minutes, np.arange(7)[:, None] / 2 * np.ones(3))


def test_pil_images_serve_with_a_transform(mode: dict[str, Any]) -> None:
    image = pytest.importorskip("PIL.Image")
    source = [image.new("RGB", (8 + i, 6), (i, 0, 9)) for i in range(5)]

    def resized(picture: Any) -> np.ndarray:
        return np.asarray(picture.resize((4, 4)), np.float32)

    dataset = to_dataset(source, transform=resized, batch_size=2, **mode)
    assert dataset.element_spec == tf.TensorSpec([None, 4, 4, 3], tf.float32)
    got = np.concatenate(list(dataset))
    assert got[:, 0, 0].tolist() == [[i, 0, 9] for i in range(5)]


def test_transform_without_a_batch_size_gives_batches(mode: dict[str, Any]) -> None:
    dataset = to_dataset(Squares(), transform=lambda batch: batch[0] * 2, **mode)
    assert_yields(dataset, [Squares()[index][0] * 2 for index in range(12)])


def test_transform_runs_in_the_worker() -> None:
    import os

    dataset = to_dataset([0, 1, 2], transform=lambda _: os.getpid(), workers=1)
    pids = {int(pid) for pid in dataset}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_samples_are_batched_with_their_nesting() -> None:
    source = [{"x": (np.float32([i, i]), "t" * i), "y": i} for i in range(5)]
    got = list(_inline(source, batch_size=4))
    first = {
        "x": (np.float32([[i, i] for i in range(4)]), np.array(["", "t", "tt", "ttt"])),
        "y": np.arange(4),
    }
    assert_same(got[0], first)
    assert len(got) == 2


def test_samples_of_unequal_shape_cannot_be_batched() -> None:
    signature = tf.TensorSpec([None], tf.float64)
    source = [np.zeros(i) for i in (3, 4, 3)]
    with pytest.raises(tf.errors.InvalidArgumentError, match="batch"):
        list(_inline(source, output_signature=signature, batch_size=2))


def test_dtype_that_changes_between_first_and_last_is_refused() -> None:
    source = [np.zeros(3, np.float32), np.zeros(3, np.float64)]
    with pytest.raises(BatchError, match="float32") as error_info:
        _inline(source)
    assert error_info.value.index == 1
    assert "float64" in str(error_info.value)


def test_workers_default_to_the_usable_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from tests.sources import Pids

    monkeypatch.setattr("seq2data.options.usable_cores", lambda: 1)
    pids = {int(pid) for _, pid in to_dataset(Pids(40))}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_doctest_of_to_dataset_holds() -> None:
    sequence = [(np.full([4, 2], i), np.full([4], i)) for i in range(10)]
    assert_yields(to_dataset(sequence, workers=2), sequence)
