"""A batch like the last one needs no second look, and no other is taken for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seq2data.errors import BatchError
from seq2data.source.spec import BatchSpec, SpecCheck
from seq2data.source.structure import flatten


def run_of(batch: Any) -> tuple[Any, list[np.ndarray]]:
    structure, arrays = flatten(batch)
    return structure, [array[np.newaxis] for array in arrays]


def check_of(batch: Any, *, may_cast: bool = False) -> SpecCheck:
    spec = BatchSpec.of(*flatten(batch), batched=True)
    return SpecCheck(replace(spec, may_cast=may_cast))


def pair(rows: int = 4, dtype: str = "f4") -> Any:
    return {"x": np.zeros((rows, 3), dtype), "y": np.zeros(rows, "i8")}


def test_no_batch_is_like_the_last_before_there_was_one() -> None:
    assert not check_of(pair()).is_like_last(*run_of(pair()))


def test_equal_batch_is_like_the_last() -> None:
    check = check_of(pair())
    run = run_of(pair())
    assert [id(array) for array in check.conform(*run, 0)] == list(map(id, run[1]))
    assert check.is_like_last(*run_of(pair()))


@pytest.mark.parametrize(
    "other",
    [
        pair(rows=5),
        pair(dtype="f8"),
        (np.zeros((4, 3), "f4"), np.zeros(4, "i8")),
        {**pair(), "z": np.zeros(4)},
        {"x": np.zeros((4, 3), "f4"), "z": np.zeros(4, "i8")},
        {"x": np.zeros((4, 3), "f4")},
    ],
)
def test_batch_that_differs_is_not_like_the_last(other: Any) -> None:
    check = check_of(pair())
    check.conform(*run_of(pair()), 0)
    assert not check.is_like_last(*run_of(other))


def test_batch_that_was_cast_is_looked_at_every_time() -> None:
    check = check_of(pair(), may_cast=True)
    cast = check.conform(*run_of(pair(dtype="f2")), 0)
    assert cast[0].dtype == "f4"
    assert not check.is_like_last(*run_of(pair(dtype="f2")))


def test_shape_of_a_sparse_batch_is_looked_at_every_time() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    check = check_of(sparse.csr_matrix(np.eye(4, 3)))
    check.conform(*run_of(sparse.csr_matrix(np.eye(4, 3))), 0)
    wider = run_of(sparse.csr_matrix((np.ones(3), ([0, 1, 2], [0, 1, 2])), (4, 9)))
    assert not check.is_like_last(*wider)
    with pytest.raises(BatchError, match="batch 7"):
        check.conform(*wider, 7)


def test_batch_that_breaks_the_spec_is_named_after_others_have_passed() -> None:
    check = check_of(pair())
    check.conform(*run_of(pair()), 0)
    wider = {"x": np.zeros((4, 9), "f4"), "y": np.zeros(4, "i8")}
    with pytest.raises(BatchError, match="batch 3") as caught:
        check.conform(*run_of(wider), 3)
    assert caught.value.index == 3
    assert check.is_like_last(*run_of(pair()))
