"""The program runs isolated, from an archive, or in a folder that is gone.

What scripts do to their process, 1: workers are fresh interpreters, and have to find
the modules of a program that was not started as `python script.py`.
"""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Callable

import pytest

from tests.deadlocks.habits import Numbered, assert_all_right, report, run
from tests.deadlocks.program import Outcome, Program

_APPLICATION = """
import os, sys
sys.path += {path!r}
from tests.deadlocks.habits import Numbered, report
import parts

class OfMain(Numbered):
    pass

assert ".zip" in sys.path[0]
report("a module in the archive", parts.Doubled())
report("a class of the archive's __main__", OfMain())
os.chdir("/")
report("in another folder", parts.Doubled())
"""
_PARTS = """
from tests.deadlocks.habits import Numbered

class Doubled(Numbered):
    def __getitem__(self, index):
        return 2 * super().__getitem__(index)
"""


def plain() -> None:
    report("plain")


def surroundings() -> None:
    os.mkdir("folder", 0o500)
    os.chdir("folder")
    report("a folder that is read-only")
    shutil.rmtree("../folder")
    report("a folder that was removed")
    os.chdir("/")
    os.umask(0o777)
    report("nobody may do anything with new files")
    arguments = [["x" * 300_000] * 20, [Path("x")], [open(os.devnull), print], None]  # noqa: SIM115
    for argv in arguments:
        sys.argv = argv
        report(f"{str(argv)[:20]} as sys.argv")
    del sys.argv
    report("no sys.argv")


@pytest.mark.parametrize("flag", ["-I", "-OO", "-P", "-Werror"])
def test_flags_of_the_interpreter_do_not_matter(flag: str, tmp_path: Path) -> None:
    if flag == "-P" and sys.version_info < (3, 11):
        pytest.skip("Python 3.11 brought it")
    # An isolated interpreter does not look at PYTHONPATH.
    outcome = run(tmp_path, plain, flag)
    assert_all_right(outcome, 1)


def test_safe_path_does_not_matter(tmp_path: Path) -> None:
    assert_all_right(run(tmp_path, plain, PYTHONSAFEPATH="1"), 1)


def test_folder_mask_and_arguments_do_not_matter(
    tmp_path: Path, record: Callable[[str, Outcome], None]
) -> None:
    outcome = run(tmp_path, surroundings)
    record("seq2data", outcome)
    assert_all_right(outcome, 8)


@pytest.mark.parametrize("flags", [[], ["-I"]])
def test_an_archive_is_imported_from(flags: list[str], tmp_path: Path) -> None:
    archive = tmp_path / "application.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__main__.py", _APPLICATION.format(path=sys.path))
        file.writestr("parts.py", _PARTS)
    program = Program(tmp_path, [*flags, archive.name])
    try:
        assert_all_right(program.finish(120.0), 3)
    finally:
        program.kill()


def test_habits_are_found_to_be_wrong(tmp_path: Path) -> None:
    """The check itself."""
    with pytest.raises(AssertionError):
        assert_all_right(run(tmp_path, wrong), 1)


class Changing(Numbered):
    """Differs in each process."""

    def __getitem__(self, index: int) -> object:
        return super().__getitem__(index) + os.getpid()


def wrong() -> None:
    report("other batches", Changing())
