"""Constants that a main program sets, and what is made of them."""

from __future__ import annotations

import enum
import functools
import threading
from typing import Any

SCALE = 1
TABLE = {"offset": 0, "inner": {"deep": [1]}}
NAMES = ["a"]
SEEN = {1}
ARGS: Any = None
HANDLE: Any = None
WEIGHTS: Any = None
LOCK = threading.Lock()


class Kind(enum.Enum):
    SMALL = 1
    LARGE = 1000


KIND = Kind.SMALL


class Settings:
    factor = 1
    table = TABLE

    def __init__(self) -> None:
        self.bias = 0

    def value(self) -> int:
        return self.factor + self.bias

    @staticmethod
    def fixed() -> int:
        return 3

    @classmethod
    def named(cls) -> int:
        return cls.factor * 2

    @property
    def doubled(self) -> int:
        return 2 * self.value()


SETTINGS = Settings()


def offset(table: Any = TABLE) -> int:
    """Has the table as its default argument."""
    return int(table["offset"])


def scaled_offset(table: Any = TABLE, scale: int = 1) -> int:
    return scale * (table["offset"] if table else 100)


def _counting(function: Any) -> Any:
    @functools.wraps(function)
    def counted(*args: Any) -> Any:
        return function(*args)

    return counted


@_counting
def decorated() -> int:
    return 5


def replaced() -> int:
    return 0


def through_closure() -> Any:
    names = NAMES

    def count() -> int:
        return len(names)

    return count


COUNT = through_closure()
