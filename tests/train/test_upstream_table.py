"""The table of Keras's tests names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = (HERE / "UPSTREAM.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLE.splitlines() if re.match(r"\| `", line)]
NAMED = sorted(set(re.findall(r"`([\w/.]+\.py)::(\w+)`", TABLE)))


@lru_cache
def named_in(path: Path) -> set[str]:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = {each.name for each in body if isinstance(each, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda part: part)
def test_named_test_exists(file: str, name: str) -> None:
    folder = HERE.parents[1] if file.startswith("tests/") else HERE
    assert name in named_in(folder / file)


def test_every_row_names_a_test_or_a_reason() -> None:
    assert len(ROWS) > 90
    for row in ROWS:
        upstream, checks, ours = (cell.strip() for cell in row.strip("|").split("|"))
        assert upstream.startswith("`")
        assert checks
        assert "::" in ours or ours.startswith("none: ")


def test_every_test_of_the_files_is_in_the_table() -> None:
    files = sorted(set(HERE.glob("test_upstream_*.py")) - {Path(__file__)})
    ours = {(path.name, name) for path in files for name in named_in(path)}
    assert len(files) == 4
    assert ours <= set(NAMED)
