from __future__ import annotations

import re
from pathlib import Path

import pytest

import seq2data

TEXT = Path(__file__).parents[1].joinpath("CHANGELOG.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^- (.*(?:\n  .*)*)", TEXT, re.MULTILINE)
FUNCTIONS = [name for name in seq2data.__all__ if name.islower() and name[0] != "_"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_function_has_an_entry_that_begins_with_it(name: str) -> None:
    assert [entry for entry in ENTRIES if entry.startswith(f"`seq2data.{name}`")]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.split()[0])
def test_entry_ends_with_its_issue(entry: str) -> None:
    assert re.search(r"\. \(#\d+\)$", entry)
