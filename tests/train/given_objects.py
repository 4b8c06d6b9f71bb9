"""Objects that are no batches. Without TensorFlow: fork servers would import it."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np

Sample = namedtuple("Sample", "path label")


class Box:
    """An object of the user's, which equals another with the same content."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(self.content)


OBJECTS: list[Any] = [
    7,
    2.5,
    True,
    2**80,
    "images/ä.png",
    b"bytes",
    "",
    [],
    [1, 2],
    (1, ["a", "b"]),
    {"b": [1], "a": {3: None}},
    {1, 2},
    Sample("x.png", 3),
    Box([1, {"deep": (2,)}]),
    range(3),
    Path("a/b"),
    np.float32(1.5),
    slice(1, 2),
]
ARRAYS: list[Any] = [
    np.zeros((2, 3), np.float16),
    np.arange(4, dtype=">i2"),
    np.array(["a", "bc"]),
    np.array([1, "a", None], object),
    np.array("2020-01-01", "M8[D]"),
    np.zeros(2, [("x", "f4"), ("y", "i8")]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.zeros((0, 4)),
]


class Given:
    """Returns the objects that it was given."""

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects

    def __len__(self) -> int:
        return len(self.objects)

    def __getitem__(self, index: int) -> Any:
        return self.objects[index]
