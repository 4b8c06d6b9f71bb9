"""Batches in pandas' forms. Without TensorFlow: each fork server would import it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tests.train.odd_batches import W, Y, rows


def frame(index: int) -> Any:
    return pd.DataFrame(rows(index), columns=["a", "b"], index=[7, 8, 9, 10])


FORMS = {
    "array": rows,
    "tuple": lambda index: (rows(index),),
    "list": lambda index: [rows(index)],
    "frame": frame,
    "frame in a tuple": lambda index: (frame(index),),
    "with labels": lambda index: (frame(index), pd.Series(Y), pd.Series(W)),
    "without labels": lambda index: (rows(index), None),
    "input in a list": lambda index: ([rows(index)], Y),
}
