"""`sys.path` and the environment are longer than a command line may be.

What scripts do to their process, 2: Linux takes 128 kB for one argument or variable and
2 MB for all; `sys.executable` may be empty or no interpreter.
"""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest

from seq2data.workers.child import command
from tests.deadlocks.habits import Numbered, assert_all_right, report, run
from tests.deadlocks.program import Outcome

_LARGE = "é" * 200_000
_MANY = 3000


class Hostile(str):
    """A folder whose class is the user's own."""

    def __str__(self) -> str:
        raise AssertionError


class OfEnvironment(Numbered):
    """Batches that differ where a variable does."""

    def __getitem__(self, index: int) -> Any:
        many = sum(os.environ.get(f"MANY_{k}") == "v" * 1000 for k in range(_MANY))
        return np.array([index, os.environ.get("LARGE") == _LARGE, many])


def import_path() -> None:
    sys.path += [pathlib.Path("folder"), b"folder", None, 3, Hostile("folder")]
    report("entries of sys.path that are no text")
    sys.path += [f"{'a' * 200}{k}" for k in range(2000)]
    report("400 kB of sys.path")
    sys.path = tuple(sys.path)
    report("a tuple")


def environment() -> None:
    os.environ["LARGE"] = _LARGE
    report("one variable of 400 kB", OfEnvironment())
    os.environ.update({f"MANY_{k}": "v" * 1000 for k in range(_MANY)})
    report("3 MB of variables", OfEnvironment())


def executable() -> None:
    python = sys.executable
    scripts = {
        "a script that becomes the interpreter": f'#!/bin/sh\nexec {python} "$@"\n',
        "a script that starts the interpreter": f'#!/bin/sh\n{python} "$@"\n',
        "a script that does something else": "#!/bin/sh\nexit 3\n",
    }
    for number, (habit, text) in enumerate(scripts.items()):
        path = Path.cwd() / f"script{number}"
        path.write_text(text)
        path.chmod(0o755)
        sys.executable = str(path)
        report(habit)
        multiprocessing.set_executable(str(path))
    for value in ("", None, "/no/such/python", "/tmp", __file__):
        sys.executable = value
        report(f"{value!r} as sys.executable")


def test_any_import_path_reaches_the_workers(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, import_path), 3)


def test_any_environment_reaches_the_workers(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    outcome = run(tmp_path, environment)
    record("seq2data", outcome)
    assert_all_right(outcome, 2)


@pytest.mark.skipif(not Path("/proc/self/exe").exists(), reason="needs /proc")
def test_the_interpreter_is_found_whatever_sys_executable_is(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, executable), 8)


def test_a_program_with_python_inside_is_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its own binary is no interpreter; the one that it names may be."""
    monkeypatch.setattr(command, "_own_binary", lambda: "/usr/bin/blender")
    monkeypatch.setattr(command, "_is_own_binary", lambda _: False)
    assert command.interpreter() == os.fsdecode(multiprocessing.spawn.get_executable())
    monkeypatch.setattr(command, "_candidates", lambda: iter([str(tmp_path / "none")]))
    with pytest.raises(FileNotFoundError, match=r"multiprocessing\.set_executable"):
        command.interpreter()


def test_an_interpreter_that_was_replaced_on_the_disk_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "_candidates", lambda: iter([]))
    monkeypatch.setattr(command, "_own_binary", lambda: "/usr/bin/python3 (deleted)")
    assert command.interpreter() == "/proc/self/exe"
