"""Has names from elsewhere, and functions of names that others have, too."""

from __future__ import annotations

from tests.contract.program.config import SCALE, TABLE, replaced

LEVEL = 0


def offset() -> int:
    return 77


def of_both() -> int:
    return SCALE + TABLE["offset"] + replaced() + LEVEL
