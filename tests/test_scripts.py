"""Whole programs: how they start their workers, and what is left when they end."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Program

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

# Long enough for a machine that does three other things at once.
_PATIENCE_S = 90.0
Start = Callable[..., Program]

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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs: `start(server or None, *arguments, **environment)`."""
    programs: list[Program] = []

    def start(server: Any, *arguments: str, **options: str) -> Program:
        programs.append(Program(tmp_path, arguments, server, **options))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()


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
    start_method: str, start: Start, server: ForkServer, tmp_path: Path
) -> None:
    # In an interpreter of its own: tests/deadlocks/test_06.
    script = _script(tmp_path, READ_ALL)
    program = start(server, script, SEQ2DATA_START_METHOD=start_method)
    assert program.finish(_PATIENCE_S).succeed() == READ


def test_script_from_standard_input_reads_with_processes(
    start_method: str, start: Start
) -> None:
    program = start(
        None, "-", typed=SOURCE + READ_ALL, SEQ2DATA_START_METHOD=start_method
    )
    assert program.finish(_PATIENCE_S).succeed() == READ


def test_class_of_an_interactive_session_is_read_by_processes(start: Start) -> None:
    # The prompt takes a blank line as the end of a block, and nothing else.
    session = SOURCE.replace("\n\n    def", "\n    def") + READ_ALL + "\n"
    program = start(None, "-i", "-q", typed=session)
    assert program.finish(_PATIENCE_S).succeed() == READ


def test_module_run_with_the_m_switch_reads_with_processes(
    start: Start, tmp_path: Path
) -> None:
    _script(tmp_path, READ_ALL)
    assert start(None, "-m", "script").finish(_PATIENCE_S).succeed() == READ


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
    end: str, code: int, way: str, start: Start, server: ForkServer, tmp_path: Path
) -> None:
    script = _script(
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
    outcome = start(server, script).finish(_PATIENCE_S)
    assert (outcome.code, outcome.left) == (code, []), outcome.errors
    if code == 1:
        assert "LookupError: the training diverged" in outcome.errors.splitlines()[-1]
    else:
        assert "Traceback" not in outcome.errors


@pytest.mark.parametrize("way", ["processes", "threads"])
def test_program_ends_while_its_source_hangs(
    way: str, start: Start, server: ForkServer, tmp_path: Path
) -> None:
    script = _script(
        tmp_path,
        f"""
        from tests.hostile import Misbehaving
        dataset = seq2data.to_dataset(Misbehaving("hang"), {WAYS[way]})
        iterator = iter(dataset)
        print([int(next(iterator)[1][0]) for _ in range(3)])
        """,
    )
    assert start(server, script).finish(_PATIENCE_S).succeed() == ["[0, 1, 4]"]


def test_error_in_a_batch_ends_the_program_with_its_traceback(
    start: Start, server: ForkServer, tmp_path: Path
) -> None:
    script = _script(
        tmp_path,
        """
        from tests.hostile import Misbehaving
        list(seq2data.to_dataset(Misbehaving("raise_key_error"), workers=2))
        """,
    )
    outcome = start(server, script).finish(_PATIENCE_S)
    assert (outcome.code, outcome.left) == (1, []), outcome.errors
    assert "no such patient" in outcome.errors
    assert "in raise_key_error" in outcome.errors


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"]
)
def test_program_that_is_ended_by_a_signal_leaves_nothing(
    number: int, start_method: str, start: Start, server: ForkServer, tmp_path: Path
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
    program = start(server, script, SEQ2DATA_START_METHOD=start_method)
    program.wait_for_line("reading")
    program.wait_for_members(4)  # itself, the fork server and two workers
    # A terminal sends it to the whole group.
    program.signal(number, group=number == signal.SIGINT)
    outcome = program.finish(_PATIENCE_S)
    assert (outcome.code, outcome.left) == (-number, []), outcome.errors
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in outcome.errors
        assert outcome.errors.count("Traceback") == 1, outcome.errors
