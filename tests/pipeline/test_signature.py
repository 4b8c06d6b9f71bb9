"""From `output_signature` to a spec, and from a spec to what TensorFlow needs."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from seq2data.errors import SourceError
from seq2data.source.spec import BatchSpec
from seq2data.source.structure import flatten

tf = pytest.importorskip("tensorflow")

from seq2data.pipeline import signature  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

Pair = namedtuple("Pair", ["x", "y"])


def _spec(batch: Any) -> BatchSpec:
    structure, arrays = flatten(batch)
    return BatchSpec.of(structure, arrays, batched=True)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((4, 3), np.float32),
        (np.zeros((4, 3), np.float32), np.zeros(4, np.int64)),
        {"b": np.zeros(4), "a": (np.zeros((4, 2), np.uint8), None)},
        Pair(np.zeros(4), np.zeros(4, bool)),
        (np.array(["text"] * 4), np.zeros(4, np.complex64)),
    ],
)
def test_signature_of_a_batch_gives_the_batches_own_spec(batch: Any) -> None:
    spec = _spec(batch)
    packed = spec.structure.pack(iter(signature.tensor_specs(spec)))
    described = signature.from_signature(packed)
    assert described.structure == spec.structure
    assert described.leaves == spec.leaves
    assert described.may_cast
    assert not spec.may_cast


def test_lists_in_a_signature_are_tuples() -> None:
    leaf = tf.TensorSpec([None], tf.float32)
    as_list = signature.from_signature([leaf, [leaf]])
    assert as_list == signature.from_signature((leaf, (leaf,)))


def test_none_in_a_signature_is_a_leaf_without_an_array() -> None:
    described = signature.from_signature((tf.TensorSpec([None], tf.float32), None))
    assert described.structure == flatten((np.zeros(1), None))[0]
    assert len(described.leaves) == 1


def test_unknown_rank_has_no_shape() -> None:
    (leaf,) = signature.from_signature(tf.TensorSpec(None, tf.float32)).leaves
    assert leaf.shape is None
    assert leaf.accepts(())
    assert leaf.accepts((3, 4))


def test_text_is_known_as_object() -> None:
    spec = signature.from_signature(tf.TensorSpec([None], tf.string))
    assert spec.leaves[0].dtype == object
    assert signature.tensor_specs(spec) == [tf.TensorSpec([None], tf.string)]


def test_bfloat16_keeps_its_name() -> None:
    spec = signature.from_signature(tf.TensorSpec([None], tf.bfloat16))
    assert signature.tensor_specs(spec) == [tf.TensorSpec([None], tf.bfloat16)]


def test_sparse_leaf_has_three_arrays() -> None:
    spec = signature.from_signature(tf.SparseTensorSpec([None, 7], tf.float32))
    assert signature.tensor_specs(spec) == [
        tf.TensorSpec([None, 2], tf.int64),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([2], tf.int64),
    ]


def test_pack_puts_the_nesting_around_tensors() -> None:
    batch = {"b": (np.zeros(2), None), "a": np.ones(3)}
    spec = _spec(batch)
    ones, zeros = tf.ones(3, tf.float64), tf.zeros(2, tf.float64)
    packed = signature.pack(spec, [ones, zeros])
    assert set(packed) == {"a", "b"}
    assert packed["a"] is ones
    assert packed["b"][0] is zeros
    assert packed["b"][1] is None


def test_element_spec_is_the_signature() -> None:
    given = {
        "a": tf.SparseTensorSpec([None, 4], tf.float32),
        "b": (tf.TensorSpec([None], tf.string), tf.TensorSpec(None, tf.int64)),
    }
    assert signature.element_spec(signature.from_signature(given)) == given


@pytest.mark.parametrize(
    "wrong", [5, "float32", tf.float32, {"x": 3}, [tf.TensorShape([2])], np.zeros(3)]
)
def test_what_is_no_spec_is_named(wrong: Any) -> None:
    with pytest.raises(SourceError, match="output_signature") as error_info:
        signature.from_signature(wrong)
    assert "TensorSpec" in str(error_info.value)
