"""Other systems have no such names as Linux: the same batches come all the same.

Each is tried in a fresh interpreter that has lost the names, and whose child processes
lose them, too: see `children/taken_away.py`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def _run(system: str, *arguments: str) -> int:
    """Runs tests as on that system; returns how many have passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "tests.systems.plugin", "--system", system, *arguments]
    ended = subprocess.run(
        command, cwd=_ROOT, timeout=_LIMIT_S, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    assert "fault of seq2data" not in ended.stdout + ended.stderr
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    return int(passed.group(1))


@pytest.mark.tensorflow
@pytest.mark.parametrize("system", ["macos", "windows"])
def test_what_holds_everywhere_holds_on(system: str) -> None:
    assert _run(system, _INSIDE) > 15


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name",
    [
        *("os.pidfd_open", "os.memfd_create", "os.fork", "/proc"),
        *("socket.MSG_CMSG_CLOEXEC", _SMALL),
    ],
)
def test_what_holds_everywhere_holds_without(name: str) -> None:
    assert _run(name, _INSIDE) > 15


@pytest.mark.tensorflow
@pytest.mark.parametrize("system", ["macos", "windows"])
def test_contract_holds_on(system: str) -> None:
    """Batches of every kind; `forked` is what a script gets that asks for nothing."""
    oracle = "tests/contract/test_oracle.py"
    assert _run(system, oracle, "-k", "forked and not map_style") > 25
