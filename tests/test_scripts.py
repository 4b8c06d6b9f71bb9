"""Whole programs: how they start their workers, and what is left when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import processes_with

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

_MARK = "SEQ2DATA_TEST_MARK"
# Long enough for a machine that does three other things at once.
_PATIENCE_S = 90.0

SOURCE = """
import os, sys
import numpy as np
import seq2data

class Numbers:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return np.full((3, 40000), index, np.float32), np.array(os.getpid())

"""
WAYS = {
    "processes": "workers=2",
    "threads": "workers=2, use_multiprocessing=False",
    "inline": "workers=0",
}


class Program:
    """A Python program whose descendants can be told from all others."""

    def __init__(self, start_method: str = "fork") -> None:
        self._mark = uuid.uuid4().hex
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "SEQ2DATA_START_METHOD": start_method,
            _MARK: self._mark,
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            try:
                out, err = process.communicate(typed, timeout=_PATIENCE_S)
            finally:
                process.kill()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def left(self) -> set[int]:
        """Processes that have the mark and are no zombies."""
        return processes_with(f"{_MARK}={self._mark}")

    def wait_for(self, count: int) -> None:
        """Waits until there are so many processes; workers come as they are needed."""
        deadline = time.monotonic() + _PATIENCE_S
        while len(self.left()) != count and time.monotonic() < deadline:
            time.sleep(0.01)  # they are no children of ours, whose end could be awaited
        assert len(self.left()) == count

    def assert_nothing_left(self) -> None:
        self.wait_for(0)


@pytest.fixture
def program(start_method: str) -> Iterator[Program]:
    yield from _program(start_method)


@pytest.fixture
def forking() -> Iterator[Program]:
    yield from _program("fork")


def _program(start_method: str) -> Iterator[Program]:
    program = Program(start_method)
    yield program
    for pid in program.left():
        os.kill(pid, signal.SIGKILL)


def _script(folder: Path, code: str) -> str:
    path = folder / "script.py"
    path.write_text(SOURCE + textwrap.dedent(code))
    return str(path)


READ_ALL = """
print("top level")
dataset = seq2data.to_dataset(Numbers(6), workers=2)
for _ in range(2):
    got = [(int(x[0, 0]), int(pid)) for x, pid in dataset]
    print([index for index, _ in got], os.getpid() in {pid for _, pid in got})
"""
READ = ["top level", "[0, 1, 2, 3, 4, 5] False", "[0, 1, 2, 3, 4, 5] False"]


def test_script_without_a_main_guard_runs_its_top_level_once(
    program: Program, tmp_path: Path
) -> None:
    done = program.run(_script(tmp_path, READ_ALL))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == READ
    program.assert_nothing_left()


def test_script_from_standard_input_reads_with_processes(program: Program) -> None:
    done = program.run("-", typed=SOURCE + READ_ALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == READ
    program.assert_nothing_left()


def test_class_of_an_interactive_session_is_read_by_processes(
    forking: Program,
) -> None:
    # The prompt takes a blank line as the end of a block, and nothing else.
    session = SOURCE.replace("\n\n    def", "\n    def") + READ_ALL + "\n"
    done = forking.run("-i", "-q", typed=session)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == READ, done.stderr
    forking.assert_nothing_left()


def test_module_run_with_the_m_switch_reads_with_processes(
    forking: Program, tmp_path: Path
) -> None:
    _script(tmp_path, READ_ALL)
    environment = forking._environment
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = forking.run("-m", "script")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == READ
    forking.assert_nothing_left()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("sys.exit(5)", 5),
        ("raise LookupError('the training diverged')", 1),
    ],
    ids=["exit", "exception"],
)
def test_program_that_ends_within_an_epoch_leaves_nothing(
    end: str, code: int, way: str, forking: Program, tmp_path: Path
) -> None:
    done = forking.run(
        _script(
            tmp_path,
            f"""
            dataset = seq2data.to_dataset(Numbers(60), {WAYS[way]})
            iterator = iter(dataset.prefetch(2))
            next(iterator), next(iterator)
            for x, _ in dataset:
                if int(x[0, 0]) == 3:
                    {end}
            """,
        )
    )
    assert done.returncode == code, done.stderr
    if code == 1:
        assert "LookupError: the training diverged" in done.stderr.splitlines()[-1]
    else:
        assert "Traceback" not in done.stderr
    forking.assert_nothing_left()


@pytest.mark.parametrize("way", ["processes", "threads"])
def test_program_ends_while_its_source_hangs(
    way: str, forking: Program, tmp_path: Path
) -> None:
    done = forking.run(
        _script(
            tmp_path,
            f"""
            from tests.hostile import Misbehaving
            dataset = seq2data.to_dataset(Misbehaving("hang"), {WAYS[way]})
            iterator = iter(dataset)
            print([int(next(iterator)[1][0]) for _ in range(3)])
            """,
        )
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[0, 1, 4]\n"
    forking.assert_nothing_left()


def test_error_in_a_batch_ends_the_program_with_its_traceback(
    forking: Program, tmp_path: Path
) -> None:
    done = forking.run(
        _script(
            tmp_path,
            """
            from tests.hostile import Misbehaving
            list(seq2data.to_dataset(Misbehaving("raise_key_error"), workers=2))
            """,
        )
    )
    assert done.returncode == 1
    assert "no such patient" in done.stderr
    assert "in raise_key_error" in done.stderr
    forking.assert_nothing_left()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, -signal.SIGINT)],
    ids=["killed", "interrupted"],
)
def test_program_that_is_ended_by_a_signal_leaves_nothing(
    number: int, code: int, program: Program, tmp_path: Path
) -> None:
    script = _script(
        tmp_path,
        """
        import signal
        # A background job of a shell inherits an ignored SIGINT.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        iterator = iter(seq2data.to_dataset(Numbers(60), workers=2))
        next(iterator)
        print("reading", flush=True)
        signal.pause()
        """,
    )
    with program.start(script, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "reading\n"
            program.wait_for(4)  # itself, the fork server and two workers
            if number == signal.SIGINT:
                os.killpg(process.pid, number)  # as the terminal does
            else:
                process.kill()
            _, errors = process.communicate(timeout=_PATIENCE_S)
        finally:
            process.kill()  # a failed assertion must not wait for the program's end
    assert process.returncode == code, errors
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
        assert errors.count("Traceback") == 1, errors
    program.assert_nothing_left()
