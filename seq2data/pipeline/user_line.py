"""Finds the user's line that a warning is about."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Optional

# Their frames may stand between the user's line and the code that warns: ours, the
# framework's, and those of decorators.
_BETWEEN = frozenset(
    ("seq2data", "tensorflow", "keras", "tf_keras", "wrapt", "contextlib", "functools")
)


def stacklevel() -> int:
    """Returns the `stacklevel` of the user's line, for a warning by the caller.

    The user's line is in the innermost frame that is neither ours nor the framework's.
    """
    level = 1
    frame: Optional[FrameType] = sys._getframe(1)
    while frame is not None and _is_between(frame):
        frame = frame.f_back
        level += 1
    return level


def _is_between(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__"))
    return name.partition(".")[0] in _BETWEEN
