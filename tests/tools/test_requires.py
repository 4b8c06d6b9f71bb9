from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2data.errors import MissingExtraError
from seq2data.tools.requires import require


def test_installed_module_is_imported() -> None:
    assert require("json", "whatever") is json


def test_module_inside_a_package_is_imported_itself() -> None:
    assert require("json.decoder", "whatever") is json.decoder


def test_missing_module_is_reported_with_the_command_that_brings_it() -> None:
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_module_of_ours", "plot")
    assert "`no_such_module_of_ours`" in str(caught.value)
    assert 'pip install "seq2data[plot]"' in str(caught.value)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_what_the_module_itself_lacks_is_what_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed_of_ours.py").write_text("import its_own_missing_part\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match="`its_own_missing_part`"):
        require("half_installed_of_ours", "plot")


def test_module_that_breaks_while_loading_keeps_its_own_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_of_ours.py").write_text("raise OSError('no GPU')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OSError, match="no GPU"):
        require("broken_of_ours", "plot")
