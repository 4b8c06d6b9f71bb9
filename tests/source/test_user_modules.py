from __future__ import annotations

import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seq2data.plan.seeds
import tests
import tests.sources
from seq2data.source.user_modules import is_users_own


@pytest.mark.parametrize(
    "module",
    [sys, json, json.decoder, np, np.random, pytest, seq2data, seq2data.plan.seeds],
)
def test_what_came_with_python_or_was_installed_is_not_the_users(module: Any) -> None:
    assert not is_users_own(module)


def test_modules_and_packages_beside_the_script_are_the_users() -> None:
    assert is_users_own(tests)
    assert is_users_own(tests.sources)


def test_package_without_a_file_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_space").mkdir()
    (tmp_path / "own_space" / "config.py").write_text("A = 1")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert is_users_own(importlib.import_module("own_space.config"))
        assert is_users_own(sys.modules["own_space"])
    finally:
        for name in ("own_space", "own_space.config"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["__main__", "by_hand"])
def test_module_of_nowhere_is_the_users_if_it_is_a_notebook(name: str) -> None:
    assert is_users_own(types.ModuleType(name)) == (name == "__main__")


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_installed_folders_are_known_by_their_names(folder: str) -> None:
    module = types.ModuleType("there")
    module.__file__ = f"/opt/python/{folder}/there.py"
    assert not is_users_own(module)
    module.__file__ = "/home/me/there.py"
    assert is_users_own(module)
