from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import numpy as np
import pytest

from seq2data.errors import BatchError
from seq2data.source.spec import BatchSpec, LeafSpec, describe
from seq2data.source.structure import ARRAY, SPARSE, flatten
from tests.source.batches import assert_same

Shape = Optional[tuple[Optional[int], ...]]


def spec_of(batch: Any, *, batched: bool = True) -> BatchSpec:
    return BatchSpec.of(*flatten(batch), batched=batched)


def given(batch: Any) -> BatchSpec:
    """The spec of a batch, as if the user had written it as `output_signature`."""
    return replace(spec_of(batch), may_cast=True)


def conformed(spec: BatchSpec, batch: Any, index: int = 5) -> list[np.ndarray]:
    """The batch's arrays as a run of one."""
    structure, arrays = flatten(batch)
    return spec.conform(structure, [array[np.newaxis] for array in arrays], index)


def images(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def test_spec_has_dtype_and_shape_of_each_leaf() -> None:
    spec = spec_of({"x": images(4, 3), "y": np.arange(4), "name": "text"})
    assert spec.leaves == (
        LeafSpec(ARRAY, np.dtype(object), ()),
        LeafSpec(ARRAY, np.dtype("f4"), (None, 3)),
        LeafSpec(ARRAY, np.dtype("i8"), (None,)),
    )
    assert not spec.may_cast


def test_spec_of_a_sample_has_no_batch_dimension() -> None:
    assert spec_of(images(4, 3), batched=False).leaves[0].shape == (4, 3)


@pytest.mark.parametrize("batched", [True, False])
def test_sparse_leaf_is_known_by_its_values_and_dense_shape(batched: bool) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    batch = (images(2, 1), sparse.csr_matrix((4, 9), dtype=np.int16), images(3, 2))
    found = [
        (leaf.kind, leaf.dtype, leaf.shape)
        for leaf in spec_of(batch, batched=batched).leaves
    ]
    first = [None, None, None] if batched else [2, 4, 3]
    assert found == [
        (ARRAY, np.dtype("f4"), (first[0], 1)),
        (SPARSE, np.dtype("i2"), (first[1], 9)),
        (ARRAY, np.dtype("f4"), (first[2], 2)),
    ]


def test_description_tells_the_shape_of_a_sparse_leaf_in_python_ints() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    (leaf,) = describe(*flatten(sparse.csr_matrix((4, 9))))
    shape = leaf.shape or ()
    assert shape == (4, 9)
    assert {type(size) for size in shape} == {int}


@pytest.mark.parametrize(
    ("shape", "got", "expected"),
    [
        ((None, 3), (4, 3), True),
        ((None, 3), (0, 3), True),
        ((None, 3), (4, 5), False),
        ((None, 3), (4, 3, 1), False),
        ((None, 3), (4,), False),
        ((4, None, None), (4, 8, 9), True),
        ((4, None, None), (5, 8, 9), False),
        ((), (), True),
        ((), (1,), False),
        (None, (), True),
        (None, (1, 2, 3), True),
    ],
)
def test_leaf_accepts_shapes_that_keep_to_its_own(
    shape: Shape, got: tuple[int, ...], expected: bool
) -> None:
    assert LeafSpec(ARRAY, np.dtype("f4"), shape).accepts(got) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((4, 3), (4, 3), (None, 3)),
        ((4, 3), (2, 3), (None, 3)),
        ((4, 3, 5), (4, 7, 5), (None, None, 5)),
        ((4, 3), (4, 3, 1), None),
        ((4,), (), None),
    ],
)
def test_merged_spec_keeps_the_dimensions_in_which_both_agree(
    one: tuple[int, ...], other: tuple[int, ...], expected: Shape
) -> None:
    merged = spec_of(images(*one)).merge(spec_of(images(*other)), 9)
    assert merged.leaves[0].shape == expected


def test_unknown_rank_stays_unknown_when_merged() -> None:
    unknown = spec_of(images(4)).merge(spec_of(images()), 1)
    assert unknown.merge(spec_of(images(4)), 2).leaves[0].shape is None


def test_batches_of_two_dtypes_do_not_merge() -> None:
    first = spec_of((images(4), np.zeros(4, np.int64)))
    last = spec_of((images(4), np.zeros(4, np.float64)))
    with pytest.raises(BatchError) as caught:
        first.merge(last, 9)
    assert caught.value.index == 9
    for fact in ("[1]", "int64", "float64", "batch 9", "`output_signature`"):
        assert fact in str(caught.value)


def test_batches_of_two_nestings_do_not_merge() -> None:
    with pytest.raises(BatchError) as caught:
        spec_of((images(4), images(4))).merge(spec_of({"x": images(4)}), 9)
    assert caught.value.index == 9
    for fact in ("batch 9", "(array, array)", "{'x': array}"):
        assert fact in str(caught.value)


def test_batch_that_keeps_to_the_spec_is_handed_on_without_a_copy() -> None:
    structure, arrays = flatten((images(4, 3), "text"))
    run = [array[np.newaxis] for array in arrays]
    found = spec_of((images(7, 3), "more")).conform(structure, run, 0)
    assert [id(array) for array in found] == [id(array) for array in run]


def test_whole_run_is_cast() -> None:
    run = np.arange(12, dtype=np.int16).reshape(3, 4)
    structure, _ = flatten(run[0])
    found = given(np.zeros(4, np.int64)).conform(structure, [run], 0)
    assert_same(found[0], np.arange(12).reshape(3, 4))


@pytest.mark.parametrize(
    ("received", "wanted"),
    [
        ("int32", "int64"),
        ("uint8", "float32"),
        ("float32", "float64"),
        ("float64", "float32"),
        ("float64", "float16"),
        ("bool", "int8"),
    ],
)
def test_dtype_of_the_signature_is_cast_to_where_nothing_is_lost(
    received: str, wanted: str
) -> None:
    values = np.array([0, 1, 1], received)
    (found,) = conformed(given(np.zeros(3, wanted)), values)
    assert_same(found[0], np.array([0, 1, 1], wanted))


@pytest.mark.parametrize(
    ("received", "wanted"),
    [
        ("float64", "int64"),
        ("float32", "int32"),
        ("int64", "int32"),
        ("int64", "uint8"),
        ("int8", "uint8"),
        ("int64", "bool"),
        ("complex64", "float32"),
        pytest.param(
            *("float64", "object"),
        ),
    ],
)
def test_cast_that_could_change_values_is_refused(received: str, wanted: str) -> None:
    wanted_leaf = np.array(["text"] * 3) if wanted == "object" else np.zeros(3, wanted)
    with pytest.raises(BatchError) as caught:
        conformed(given((images(1), wanted_leaf)), (images(1), np.zeros(3, received)))
    assert caught.value.index == 5
    for fact in ("[1]", "batch 5", received, wanted, "`output_signature`"):
        assert fact in str(caught.value)


@pytest.mark.parametrize(
    ("received", "wanted"), [("int32", "int64"), ("float64", "float32")]
)
def test_nothing_is_cast_without_a_signature(received: str, wanted: str) -> None:
    with pytest.raises(BatchError) as caught:
        conformed(spec_of(np.zeros(3, wanted)), np.zeros(3, received))
    for fact in ("batch 5", received, wanted):
        assert fact in str(caught.value)


def test_numbers_in_place_of_text_are_refused() -> None:
    with pytest.raises(BatchError, match="float64"):
        conformed(spec_of(np.array(["a", "b"])), np.zeros(2))


def test_only_the_values_of_a_sparse_leaf_are_cast() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    wanted = (images(1), sparse.eye(2, dtype=np.float32), np.zeros(2))
    received = (images(1), sparse.eye(2, dtype=np.float64), images(2))
    found = conformed(given(wanted), received)
    assert [str(array.dtype) for array in found] == [
        *("float32", "int64", "float32", "int64", "float64")
    ]


def test_other_nesting_is_refused_by_index_and_both_nestings() -> None:
    with pytest.raises(BatchError) as caught:
        conformed(spec_of((images(4), images(4))), [images(4), None])
    assert caught.value.index == 5
    for fact in ("batch 5", "(array, None)", "(array, array)"):
        assert fact in str(caught.value)
    assert "output_signature" not in str(caught.value)


def test_nesting_other_than_the_signatures_is_told_so() -> None:
    with pytest.raises(BatchError, match="`output_signature`"):
        conformed(given((images(4), images(4))), images(4))


@pytest.mark.parametrize(
    ("first", "later", "cure"),
    [
        ((4, 3), (4, 9), "(None, None)"),
        ((4, 3, 2), (4, 3, 5), "(None, 3, None)"),
        ((4, 3), (4, 3, 1), "None"),
    ],
)
def test_other_shape_is_refused_with_the_signature_that_cures_it(
    first: tuple[int, ...], later: tuple[int, ...], cure: str
) -> None:
    spec = spec_of({"x": images(*first), "y": images(4)})
    with pytest.raises(BatchError) as caught:
        conformed(spec, {"x": images(*later), "y": images(4)})
    assert caught.value.index == 5
    shapes = (str(later), str((None, *first[1:])))
    for fact in ("['x']", "batch 5", *shapes, f"`tf.TensorSpec({cure}, ...)`"):
        assert fact in str(caught.value)


def test_cure_accepts_both_shapes() -> None:
    spec = spec_of(images(4, 3, 2))
    cured = spec.merge(spec_of(images(4, 3, 5)), 5).leaves[0]
    assert cured.accepts((4, 3, 2))
    assert cured.accepts((4, 3, 5))


def test_sparse_leaf_of_another_width_is_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    spec = spec_of((images(1), sparse.csr_matrix((4, 9))))
    with pytest.raises(BatchError) as caught:
        conformed(spec, (images(1), sparse.csr_matrix((4, 8))))
    for fact in ("[1]", "(4, 8)", "(None, 9)"):
        assert fact in str(caught.value)
