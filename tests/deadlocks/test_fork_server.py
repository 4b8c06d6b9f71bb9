"""A fork of the server is what a program of its own would be."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.deadlocks import program
from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Outcome

pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow


def tell() -> None:
    print(os.getsid(0) == os.getpgid(0) == os.getpid())
    print(os.environ["GREETING"], Path.cwd().parent)
    print(np.random.random())
    print("not here", file=sys.stderr)


def leave() -> None:
    sys.exit(3)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def run(server: ForkServer, function: str, folder: Path) -> Outcome:
    started = program.start(__name__, function, folder, server, GREETING="hello")
    return started.finish(60.0)


def test_program_has_its_own_surroundings(server: ForkServer, tmp_path: Path) -> None:
    outcomes = [run(server, "tell", tmp_path) for _ in range(2)]
    for outcome in outcomes:
        assert outcome.succeed()[:2] == ["True", f"hello {tmp_path}"]
        assert outcome.errors == "not here\n"
    assert outcomes[0].lines[2] != outcomes[1].lines[2]


@pytest.mark.parametrize(("function", "code"), [("leave", 3), ("die", -9)])
def test_end_is_told_as_it_was(
    function: str, code: int, server: ForkServer, tmp_path: Path
) -> None:
    outcome = run(server, function, tmp_path)
    assert outcome.code == code
    assert not outcome.left


def test_server_outlives_its_programs_and_not_the_tests(tmp_path: Path) -> None:
    server = ForkServer()
    assert run(server, "die", tmp_path).code == -9
    assert run(server, "tell", tmp_path).code == 0
    server.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        program.start(__name__, "tell", tmp_path, server)
