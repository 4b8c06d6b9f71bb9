"""What a process forks dies with it; what that forks, or a thread of it, does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.leaks import processes_of_session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")

_ROOT = Path(__file__).parents[3]
_PROGRAM = """
import os, signal, sys, threading
from seq2data.workers.child.parent_death import have_forks_die_too

have_forks_die_too()

def fork(then=signal.pause):
    pid = os.fork()
    if pid == 0:
        then()
        os._exit(0)
    return pid

def daemonize():
    print("daemon", fork(), flush=True)

def in_thread():
    thread = threading.Thread(target=lambda: print("thread", fork(), flush=True))
    thread.start()
    thread.join()

print("fork", fork(), flush=True)
os.waitpid(fork(daemonize), 0)
in_thread()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_fork_dies_and_daemons_live() -> None:
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        start_new_session=True,
    )
    session = program.pid
    assert program.stdout is not None
    lines = [program.stdout.readline().split() for _ in range(3)]
    program.wait()
    kinds = {kind: int(pid) for kind, pid in lines}
    try:
        _wait_until_gone(kinds["fork"])
        assert processes_of_session(session) == {kinds["daemon"], kinds["thread"]}
    finally:
        for pid in processes_of_session(session):
            os.kill(pid, 9)
        program.stdout.close()


def _wait_until_gone(pid: int) -> None:
    """The kernel kills it after its parent, but does not say when."""
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        continue


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
