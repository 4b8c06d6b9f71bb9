"""What a main program puts into modules."""

from __future__ import annotations

import functools
from typing import Any


def timed(function: Any) -> Any:
    """A decorator."""

    @functools.wraps(function)
    def timed(*args: Any) -> Any:
        return function(*args) + 1000

    return timed


class Three:
    def __call__(self) -> int:
        return 3
