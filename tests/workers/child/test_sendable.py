from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from seq2data.source.structure import flatten
from seq2data.workers.child.sendable import find_unsendable
from seq2data.workers.transport.runs import Run
from tests.hostile import UnpicklableError


class LeavesInReduce:
    def __reduce__(self) -> Any:
        raise SystemExit(3)


def run_of(batch: Any, num_batches: int = 1) -> Run:
    structure, _ = flatten(batch)
    return Run(num_batches, structure, None, 0, ())


@pytest.mark.parametrize(
    "key",
    [object.__new__(LeavesInReduce), lambda: 0, UnpicklableError("two", "arguments")],
)
def test_batch_with_a_key_that_cannot_be_sent_is_found(key: Any) -> None:
    x = np.zeros(2)
    runs = [run_of({"x": x}, 3), run_of(x, 2), run_of((x, {key: x})), run_of(x)]
    found = find_unsendable(runs)
    assert found is not None
    assert (found.num_runs, found.num_batches) == (2, 5)
    assert "keys" in str(found.error)


@pytest.mark.parametrize("key", ["x", b"x", 1, None, (1, "x"), np.int64(3)])
def test_keys_that_pickle_are_sent(key: Any) -> None:
    assert find_unsendable([run_of({key: np.zeros(2)})]) is None
