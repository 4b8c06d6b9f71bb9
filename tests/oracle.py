"""What a dataset must give, told by the source itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def assert_yields(dataset: Iterable[Any], source: Any) -> None:
    """The dataset gives `source[0], source[1], ...` up to the source's length."""
    got = list(dataset)
    assert len(got) == len(source)
    for index, batch in enumerate(got):
        assert_same(batch, source[index], f"[{index}]")


def read_until_error(dataset: Iterable[Any]) -> tuple[int, str]:
    """How many batches came before TensorFlow's error, and its text."""
    import tensorflow as tf

    delivered = 0
    try:
        for _ in dataset:
            delivered += 1
    except tf.errors.OpError as error:
        return delivered, str(error)
    raise AssertionError(f"{delivered} batches came, and no error")


def assert_same(got: Any, batch: Any, place: str = "batch") -> None:
    """`got`, of tensors, is the user's `batch`: structure, dtypes, shapes, values."""
    if batch is None:
        assert got is None, place
    elif isinstance(batch, Mapping):
        assert type(got) is dict, place
        assert set(got) == set(batch), place
        for key in batch:
            assert_same(got[key], batch[key], f"{place}[{key!r}]")
    elif isinstance(batch, (tuple, list)):
        assert type(got) is (type(batch) if hasattr(batch, "_fields") else tuple), place
        assert len(got) == len(batch), place
        for position, part in enumerate(batch):
            assert_same(got[position], part, f"{place}[{position}]")
    elif hasattr(batch, "tocoo"):
        _assert_same_sparse(got, batch, place)
    else:
        _assert_same_leaf(got.numpy(), batch, place)


def _assert_same_sparse(got: Any, matrix: Any, place: str) -> None:
    import tensorflow as tf

    assert isinstance(got, tf.SparseTensor), place
    assert got.dtype == matrix.dtype, place
    assert tuple(got.dense_shape.numpy()) == matrix.shape, place
    # TensorFlow wants the indices in row-major order, each once.
    indices = got.indices.numpy().tolist()
    assert indices == sorted(map(list, {tuple(index) for index in indices})), place
    np.testing.assert_array_equal(tf.sparse.to_dense(got), matrix.toarray(), place)


def _assert_same_leaf(got: Any, value: Any, place: str) -> None:
    wanted = np.asarray(value)
    if wanted.dtype.kind in "SUO" or isinstance(value, (str, bytes)):
        wanted = np.asarray(value, dtype=object)
        wanted = np.vectorize(_encoded, otypes=[object])(wanted)
        got = np.asarray(got, dtype=object)
    assert got.dtype == wanted.dtype, place
    assert got.shape == wanted.shape, place
    if wanted.dtype == object:
        assert got.tolist() == wanted.tolist(), place
    else:
        assert np.ascontiguousarray(got).tobytes() == wanted.tobytes(), place


def _encoded(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)
