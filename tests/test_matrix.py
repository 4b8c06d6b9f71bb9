"""The rows of the version matrix run tests that are there."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUP = configparser.ConfigParser(interpolation=None)
SETUP.read(ROOT / "setup.cfg")
PATHS = sorted(
    {
        path
        for selection in SETUP["matrix"].values()
        for path in re.findall(r"(?:--ignore=)?(tests/[\w./]+)(?=\s|$)", selection)
    }
)


def test_rows_select_paths() -> None:
    assert len(PATHS) > 10


@pytest.mark.parametrize("path", PATHS)
def test_path_that_a_row_selects_exists(path: str) -> None:
    assert (ROOT / path).exists()
