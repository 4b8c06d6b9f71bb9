"""The dataset gives what plain indexing gives, however it is read."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from tests.contract.batches import (
    KINDS,
    Large,
    MapStyle,
    MixedSizes,
    NoElements,
    OfKind,
    UnequalShapes,
)
from tests.oracle import assert_same, assert_yields
from tests.sources import Reused, Squares, Unequal

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

_NEEDS = {"scipy sparse": "scipy", "pil image": "PIL", "bfloat16": "ml_dtypes"}
# Before, TensorFlow had a bfloat16 of its own.
_HAS_ML_DTYPES = tuple(map(int, tf.__version__.split(".")[:2])) >= (2, 13)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_keep_structure_dtype_and_values(
    kind: str, way: dict[str, Any]
) -> None:
    pytest.importorskip(_NEEDS.get(kind, "numpy"))
    if kind == "bfloat16" and not _HAS_ML_DTYPES:
        pytest.skip("this TensorFlow does not know the bfloat16 of ml_dtypes")
    source = OfKind(kind)
    assert_yields(to_dataset(source, **way), source)


@pytest.mark.parametrize("num_batches", [1, 2, 3])
def test_a_handful_of_batches_comes_complete(
    num_batches: int, mode: dict[str, Any]
) -> None:
    source = Squares(num_batches)
    assert_yields(to_dataset(source, **mode), source)


def test_hundreds_of_tiny_batches_come_in_order(mode: dict[str, Any]) -> None:
    source = Squares(700)
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    assert_yields(dataset, source)


def test_tiny_batches_with_text_come_in_order(mode: dict[str, Any]) -> None:
    source = OfKind("text and numbers", 300)
    assert_yields(to_dataset(source, **mode), source)


def test_tiny_sparse_batches_come_in_order(mode: dict[str, Any]) -> None:
    pytest.importorskip("scipy")
    source = OfKind("scipy sparse", 200)
    assert_yields(to_dataset(source, **mode), source)


def test_large_batches_come_in_order(mode: dict[str, Any]) -> None:
    source = Large()
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    assert_yields(dataset, source)


def test_small_and_large_batches_mix(mode: dict[str, Any]) -> None:
    source = MixedSizes()
    assert_yields(to_dataset(source, **mode), source)


def test_unequal_shapes_come_with_a_signature(mode: dict[str, Any]) -> None:
    # First and last agree by chance: without the signature 1 would count as static.
    source = UnequalShapes(121)
    signature = (
        tf.TensorSpec([None, None], tf.int64),
        tf.TensorSpec([None], tf.float64),
    )
    dataset = to_dataset(source, output_signature=signature, **mode)
    assert_yields(dataset, source)


def test_unequal_shapes_come_where_first_and_last_differ(mode: dict[str, Any]) -> None:
    source = UnequalShapes(12)
    assert_yields(to_dataset(source, **mode), source)


def test_unknown_rank_in_the_signature_takes_any_shape(mode: dict[str, Any]) -> None:
    source = [np.zeros((1,) * rank, np.float32) for rank in (1, 4, 2, 3)]
    dataset = to_dataset(
        source, output_signature=tf.TensorSpec(None, tf.float32), **mode
    )
    assert_yields(dataset, source)


def test_leaves_without_elements_come() -> None:
    # TensorFlow's `unbatch` crashes on them (2.15 to 2.21).
    for source in NoElements(40), Unequal(40):
        for workers in 0, 2:
            assert_yields(to_dataset(source, workers=workers), source)


def test_buffer_that_the_source_fills_again_is_safe(mode: dict[str, Any]) -> None:
    if mode.get("use_multiprocessing") is False:
        mode = {**mode, "workers": 1}  # two threads share the buffer as they fill it
    got = [batch.numpy() for batch in to_dataset(Reused(), **mode)]
    assert len(got) == len(Reused())
    for index, batch in enumerate(got):
        np.testing.assert_array_equal(batch, np.full((4, 3), index, np.float32))


def test_large_buffer_that_the_source_fills_again_is_safe(mode: dict[str, Any]) -> None:
    buffer = np.zeros((3, 40_000), np.float32)

    def fill(index: int) -> np.ndarray:
        buffer[:] = index
        return buffer

    if mode.get("use_multiprocessing") is False:
        mode = {**mode, "workers": 1}  # two threads share the buffer as they fill it
    dataset = to_dataset(range(8), transform=fill, **mode)
    kept = list(dataset)
    assert [int(batch[0, 0]) for batch in kept] == list(range(8))
    assert [int(batch[2, -1]) for batch in kept] == list(range(8))


def test_list_of_batches_serves(mode: dict[str, Any]) -> None:
    source = [(np.full((2, 3), i, np.int16), {"y": np.arange(2) * i}) for i in range(7)]
    assert_yields(to_dataset(source, **mode), source)


def test_map_style_dataset_serves_sample_by_sample(mode: dict[str, Any]) -> None:
    source = MapStyle()
    batches = list(to_dataset(source, batch_size=4, **mode))
    assert [len(y) for _, y in batches] == [4, 4, 3]
    for start, batch in zip((0, 4, 8), batches):
        samples = [source[i] for i in range(start, min(start + 4, 11))]
        x = np.stack([x for x, _ in samples])
        y = np.array([y for _, y in samples])
        assert_same(batch, (x, y))


def _keras_source(name: str) -> Any:
    # Where it is imported, in workers too, TensorFlow comes with it.
    return getattr(importlib.import_module("tests.contract.keras_sources"), name)()


def test_keras_sequence_without_init_serves(mode: dict[str, Any]) -> None:
    dataset = to_dataset(_keras_source("WithoutInit"), **mode)
    assert_yields(dataset, _keras_source("WithoutInit"))


@pytest.mark.parametrize("workers", [0, 1])
def test_keras_sequence_of_today_serves(workers: int) -> None:
    dataset = to_dataset(_keras_source("WithInit"), workers=workers)
    assert_yields(dataset, _keras_source("WithInit"))


@pytest.mark.parametrize("workers", [0, 1])
def test_tensors_made_by_the_source_serve(workers: int) -> None:
    source = _keras_source("Tensors")
    got = list(to_dataset(source, workers=workers))
    assert len(got) == len(source)
    for index, (x, rest) in enumerate(got):
        assert_same(x, np.full((2, 3), index, np.float32))
        dense = tf.sparse.to_dense(rest["s"])
        np.testing.assert_array_equal(dense, tf.one_hot([index, 1], 5))
        assert rest["t"].numpy() == b"text"


def test_torch_tensors_serve(mode: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    source = [(torch.full((2, 3), float(i)), torch.tensor([i, 2])) for i in range(4)]
    got = list(to_dataset(source, **mode))
    assert len(got) == 4
    for index, batch in enumerate(got):
        assert_same(batch, (np.full((2, 3), index, np.float32), np.array([index, 2])))
