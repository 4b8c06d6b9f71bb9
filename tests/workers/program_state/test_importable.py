"""A worker can import what is installed."""

from __future__ import annotations

import sys

import pytest

from seq2data.workers.program_state import importable
from seq2data.workers.program_state.importable import (
    forbid_import,
    is_found_in_workers,
    is_importable,
)


def test_everything_installed_is_importable() -> None:
    installed = (sys.prefix, sys.base_prefix)
    roots = [name for name in sys.modules if "." not in name]
    files = {name: getattr(sys.modules[name], "__file__", None) for name in roots}
    missing = {
        name
        for name, file in files.items()
        if file and file.endswith(".py") and file.startswith(installed)
        # The program's module has both names, the second one from multiprocessing.
        if name not in ("__main__", "__mp_main__") and not is_importable(name)
    }
    assert len(files) > 100
    assert missing == set()


@pytest.mark.parametrize("name", ["sys", "_io", "_thread", "_collections_abc"])
def test_module_of_the_interpreter_is_importable(name: str) -> None:
    assert is_importable(name)


def test_module_whose_import_is_forbidden_is_not_found_in_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importable, "_never_imported", set())
    assert is_found_in_workers("json")
    assert is_importable("json")
    forbid_import("json")
    assert not is_found_in_workers("json")
    assert not is_importable("json")


@pytest.mark.parametrize("name", ["__main__", "no_module_of_this_name"])
def test_module_that_only_this_process_has_is_not_found_in_workers(name: str) -> None:
    assert not is_found_in_workers(name)
