"""Leaves of batches that are sparse, of scipy or of TensorFlow."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from seq2data.source.structure import ARRAY, SPARSE, flatten
from tests.source.batches import assert_same

SPARSE_FORMATS = ["csr", "csc", "coo", "dok", "lil", "bsr", "dia"]


@pytest.mark.parametrize("made_by", ["matrix", "array"])
@pytest.mark.parametrize("format_name", SPARSE_FORMATS)
def test_sparse_leaf_becomes_indices_values_and_shape(
    format_name: str, made_by: str
) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 4, 0]], np.float32)
    leaf = getattr(sparse, f"coo_{made_by}")(dense).asformat(format_name)
    structure, (indices, values, shape) = flatten(leaf)
    assert structure.kind == SPARSE
    places = np.array([[0, 1], [0, 3], [2, 0], [2, 2]])
    if format_name in ("bsr", "dia"):  # they store some zeros, too
        kept = values != 0
        indices, values = indices[kept], values[kept]
    assert_same((indices, values), (places, np.array([1, 2, 3, 4], np.float32)))
    assert_same(shape, np.array([3, 4]))


def test_sparse_entries_are_sorted_and_duplicates_are_added_up() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    rows, columns = np.array([2, 0, 2, 0, 2]), np.array([1, 3, 0, 0, 1])
    numbers = np.array([1, 2, 4, 8, 16])
    _, found = flatten(sparse.coo_matrix((numbers, (rows, columns)), shape=(3, 4)))
    places = np.array([[0, 0], [0, 3], [2, 0], [2, 1]])
    assert_same(tuple(found), (places, np.array([8, 2, 4, 17]), np.array([3, 4])))


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float64", "complex64"])
def test_sparse_values_keep_their_dtype(dtype: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    _, (_, values, _) = flatten(sparse.eye(3, dtype=dtype, format="csr"))
    assert values.dtype == dtype


def test_sparse_leaf_without_entries_keeps_its_shape() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    _, (indices, values, shape) = flatten(sparse.csr_matrix((5, 7)))
    assert indices.shape == (0, 2)
    assert values.shape == (0,)
    assert shape.tolist() == [5, 7]


def test_users_sparse_matrix_is_not_changed() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    numbers, columns, rows = [1.0, 2.0, 3.0], [2, 0, 2], [0, 3, 3]
    matrix = sparse.csr_matrix((numbers, columns, rows), shape=(2, 3))
    flatten(matrix)
    assert matrix.data.tolist() == numbers
    assert matrix.indices.tolist() == columns


def test_sparse_leaf_of_one_dimension_has_indices_of_one_column() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    _, (indices, values, shape) = flatten(sparse.coo_array(np.array([0, 1.0, 0, 2])))
    assert shape.tolist() == [4]
    assert values.tolist() == [1, 2]
    assert indices.tolist() == [[1], [3]]


def test_sparse_leaf_of_three_dimensions_has_indices_of_three_columns() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.zeros((2, 3, 4))
    dense[1, 0, 3], dense[0, 2, 1] = 5, 6
    try:
        matrix = sparse.coo_array(dense)
    except (TypeError, ValueError):
        pytest.skip("this scipy has matrices only")
    _, (indices, values, shape) = flatten(matrix)
    assert shape.tolist() == [2, 3, 4]
    assert indices.tolist() == [[0, 2, 1], [1, 0, 3]]
    assert values.tolist() == [6, 5]


def test_sparse_tensor_becomes_its_three_arrays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class SparseTensor(SimpleNamespace):
        pass

    stand_in = SimpleNamespace(SparseTensor=SparseTensor)
    monkeypatch.setitem(sys.modules, "tensorflow", stand_in)
    tensor = SparseTensor(indices=[[0, 0, 1]], values=[2.5], dense_shape=[1, 1, 4])
    structure, found = flatten(tensor)
    assert structure.kind == SPARSE
    assert_same(
        tuple(found), (np.array([[0, 0, 1]]), np.array([2.5]), np.array([1, 1, 4]))
    )


def test_sparse_leaf_is_put_together_among_dense_ones() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    structure, arrays = flatten((np.zeros((4, 3)), sparse.eye(2), np.arange(4)))
    assert structure.leaf_kinds() == [ARRAY, SPARSE, ARRAY]
    assert len(arrays) == 5
    assert structure.pack(iter("xyz")) == ("x", "y", "z")
