"""What the program has set in libraries holds wherever batches are read."""

from __future__ import annotations

import logging
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.workers.program_state.settings import take_settings
from tests.contract.library_settings import (
    CASES,
    Asks,
    folder,
    load_objects,
    patched,
    pickled_array,
)
from tests.oracle import assert_yields

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow


# Each thread has its own.
OF_THREADS = ["numpy raises", "numpy prints", "decimal"]


def _check(case: str, mode: dict[str, Any]) -> None:
    ask, setting = CASES[case]
    source = Asks(ask)
    unset = source[0][1]
    with setting() as patch:
        if case == "variable of the environment":
            patch.setenv("SEQ2DATA_TESTS_VARIABLE", "is set")
        if case != "locale":  # the system may have one only
            assert source[0][1] != unset
        assert_yields(to_dataset(source, **mode), source)


@pytest.mark.parametrize("case", CASES)
def test_setting_of_a_library_holds_in_a_process(case: str) -> None:
    _check(case, {"workers": 1})


@pytest.mark.parametrize("case", [*OF_THREADS, "function of the user's in numpy"])
def test_setting_is_the_same_in_all_ways_of_reading(
    case: str, mode: dict[str, Any]
) -> None:
    _check(case, mode)


def test_settings_follow_between_epochs(
    mode: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Asks(folder)
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert_yields(dataset, source)


def test_what_was_patched_is_put_back_with_the_next_epoch(
    mode: dict[str, Any],
) -> None:
    source = Asks(pickled_array)
    dataset = to_dataset(source, **mode)
    assert_yields(dataset, source)
    with patched(np, load=load_objects):
        assert_yields(dataset, source)
    assert_yields(dataset, source)


class Logs:
    """Writes a line to a logger for each batch."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        logging.getLogger("tests.reader").info("batch %d", index)
        logging.getLogger("tests.reader").debug("not this")
        return np.array([index, logging.getLogger("tests.reader").level])


def test_loggers_have_their_levels_and_handlers(
    start_method: str, tmp_path: Path
) -> None:
    logger = logging.getLogger("tests.reader")
    handler = logging.FileHandler(tmp_path / "log")
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        assert_yields(to_dataset(Logs(), workers=1), Logs())
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.setLevel(logging.NOTSET)
    lines = (tmp_path / "log").read_text().splitlines()
    assert sorted(set(lines)) == [f"tests.reader: batch {i}" for i in range(3)]


def _torch_default() -> Any:
    return sys.modules["torch"].get_default_dtype()


def test_torch_has_its_default_dtype() -> None:
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)
    try:
        assert_yields(to_dataset(Asks(_torch_default)), Asks(_torch_default))
    finally:
        torch.set_default_dtype(torch.float32)


def test_folder_with_a_librarys_name_is_no_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", types.ModuleType("cv2"))
    taken = take_settings(of_thread=False)
    assert "recursion limit" in taken
    assert "OpenCV's threads" not in taken
