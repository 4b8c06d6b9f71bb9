"""Other systems have no such names as Linux: the same batches come all the same.

Each is tried in a fork of an interpreter that has imported TensorFlow; it has lost the
names, and its child processes lose them, too: see `children/taken_away.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Program

pytest.importorskip("tensorflow")

_LIMIT_S = 600.0
_ROOT = Path(__file__).parents[2]
_INSIDE = "tests/systems/inside.py"
# What only says what is used if it is there.
_SMALL = (
    "os.posix_fallocate os.register_at_fork faulthandler.register os.sched_getaffinity "
    "signal.SIGRTMAX signal.pidfd_send_signal signal.pthread_sigmask resource "
    "mmap.MAP_POPULATE select.poll selectors.PollSelector"
)


Run = Callable[..., int]


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    """Has TensorFlow as this system has it; seq2data is imported without the names."""
    server = ForkServer(has_seq2data=False)
    yield server
    server.close()


@pytest.fixture
def run(server: ForkServer, tmp_path: Path) -> Iterator[Run]:
    """Runs tests as on that system; returns how many have passed."""
    programs: list[Program] = []

    def run(system: str, file: str, *arguments: str) -> int:
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "tests.systems.plugin", "--system", system]
        command += [str(_ROOT / file), *arguments]
        # These tests look for what is left by themselves.
        programs.append(Program(tmp_path, command, server, TMPDIR=str(tmp_path)))
        outcome = programs[-1].finish(_LIMIT_S)
        printed = "\n".join(outcome.lines)[-8000:] + outcome.errors[-2000:]
        assert outcome.code == 0, printed
        assert "fault of seq2data" not in printed
        passed = re.search(r"(\d+) passed", printed)
        assert passed is not None
        return int(passed.group(1))

    yield run
    for program in programs:
        program.kill()


@pytest.mark.tensorflow
@pytest.mark.parametrize("system", ["macos", "windows"])
def test_what_holds_everywhere_holds_on(system: str, run: Run) -> None:
    assert run(system, _INSIDE) > 15


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name",
    [
        *("os.pidfd_open", "os.memfd_create", "os.fork", "/proc"),
        *("socket.MSG_CMSG_CLOEXEC", _SMALL),
    ],
)
def test_what_holds_everywhere_holds_without(name: str, run: Run) -> None:
    assert run(name, _INSIDE) > 15


@pytest.mark.tensorflow
@pytest.mark.parametrize("system", ["macos", "windows"])
def test_contract_holds_on(system: str, run: Run) -> None:
    """Batches of every kind; `forked` is what a script gets that asks for nothing."""
    oracle = "tests/contract/test_oracle.py"
    assert run(system, oracle, "-k", "forked and not map_style") > 25
