"""The clean process that makes workers, and what becomes of them without a parent."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2data.source.adapt import adapt
from seq2data.workers.child import command
from seq2data.workers.processes.fork_server_handle import ForkServerHandle
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.sources import Squares

_LIMIT_S = 60.0
_PROGRAM = """
import sys, time
from seq2data.source.adapt import adapt
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.workers.child.test_fork_server import Announcing

pool = ProcessPool("Announcing", 2, 2, start_method=sys.argv[2])
pool.load(adapt(Announcing(sys.argv[1])))
tasks = [Task(0, None, (i,)) for i in range(2)]
for task in tasks:
    pool.submit(task)
if sys.argv[3] == "exit":
    while len(open(sys.argv[1]).readlines()) < 2:
        time.sleep(0.01)
    sys.exit(4)
tasks[0].future.result()
"""


class Announcing(Squares):
    """Tells its pid and process group in a file, then blocks for ever."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        open(path, "a").close()

    def __getitem__(self, index: int) -> Any:
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        time.sleep(3600)


class Surroundings(Squares):
    """Tells what a worker finds around itself."""

    NAMES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")

    def __getitem__(self, index: int) -> Any:
        threads = len(os.listdir("/proc/self/task"))
        known = [os.environ.get(name, "unset") for name in self.NAMES]
        ignores = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        return known, threads, ignores, "tensorflow" in sys.modules


class ManyObjects(Squares):
    """Holds 40 MB of small lists; batches tell how much of the memory is a copy."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = [[index, -index] for index in range(400_000)]

    def __getitem__(self, index: int) -> Any:
        gc.collect()  # as Python does by itself, now and then
        return np.array([sum(self.rows[index]), private_kb()])


class Inherited(Squares):
    """Its batches are in shared memory, and tell what an executed child has open."""

    def __getitem__(self, index: int) -> Any:
        listing = subprocess.run(
            ["ls", "-l", "/proc/self/fd"],
            close_fds=False,
            capture_output=True,
            text=True,
            check=True,
        )
        found = [line.split()[8:] for line in listing.stdout.splitlines()[1:]]
        beyond = [target for number, _, target in found if int(number) > 2]
        return np.zeros((200, 200)), " ".join(beyond)


def private_kb() -> int:
    """Memory of this process that it shares with no other."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(x.split()[1]) for x in lines if x.startswith("Private_Dirty:"))


class Threaded(Squares):
    """Starts a thread wherever it is loaded, as modules that run TensorFlow do."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        import threading

        self.__dict__.update(state)
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()

    def __getitem__(self, index: int) -> Any:
        return np.array([index, os.getpid()])


def read(pool: ProcessPool, *indices: int) -> list[np.ndarray]:
    task = Task(0, None, indices)
    pool.submit(task)
    result = task.future.result(_LIMIT_S)
    assert result.error is None
    return [array for run in result.runs for array in run.arrays]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def _wait_until_gone(pids: list[int]) -> list[int]:
    deadline = time.monotonic() + _LIMIT_S
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [pid for pid in pids if _is_alive(pid)]


@pytest.mark.parametrize("end", ["kill", "terminate", "exit"])
def test_workers_inside_user_code_die_with_the_parent(
    tmp_path: Path, start_method: str, end: str
) -> None:
    path = tmp_path / "pids"
    command = [sys.executable, "-c", _PROGRAM, str(path), start_method, end]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as program:
        try:
            deadline = time.monotonic() + _LIMIT_S
            while not path.exists() or len(path.read_text().splitlines()) < 2:
                assert program.poll() in (None, 4)
                assert time.monotonic() < deadline
                time.sleep(0.01)  # the workers write to a file, which nobody can await
            if end != "exit":
                getattr(program, end)()
            code = program.wait(_LIMIT_S)
        finally:
            program.kill()  # a failed assertion must not wait for the program's end
    pids = [int(word) for word in path.read_text().split()]
    assert len(set(pids)) == 3, "two workers and their fork server"
    assert _wait_until_gone(pids) == []
    assert code == {"kill": -9, "terminate": -15, "exit": 4}[end]


def test_workers_have_one_thread_no_gpu_and_no_tensorflow(start_method: str) -> None:
    pool = ProcessPool("Surroundings", 1, 2, start_method=start_method)
    try:
        pool.load(adapt(Surroundings()))
        *known, threads, ignores_ctrl_c, has_tensorflow = read(pool, 0)
    finally:
        pool.close()
    assert [array[0] for array in known] == [b"", b"1", b"1"]
    assert threads[0] == 1
    assert ignores_ctrl_c[0]
    assert not has_tensorflow[0]


def test_what_a_worker_executes_holds_nothing_of_ours(start_method: str) -> None:
    pool = ProcessPool("Inherited", 2, 2, start_method=start_method)
    try:
        pool.load(adapt(Inherited()))
        for index in range(3):
            _, opened = read(pool, index)
            (listed,) = opened[0].decode().split()  # what `ls` itself has open
            assert listed.startswith("/proc/")
    finally:
        pool.close()


def test_many_objects_are_shared_by_the_workers() -> None:
    pool = ProcessPool("ManyObjects", 2, 2)
    try:
        pool.load(adapt(ManyObjects()))
        found = [read(pool, index)[0][0] for index in range(4)]
    finally:
        pool.close()
    assert [total for total, _ in found] == [0] * 4
    assert max(kb for _, kb in found) < 20_000


def test_a_source_that_starts_threads_is_not_forked() -> None:
    """The fork server finds the thread, and each worker is an interpreter instead."""
    pool = ProcessPool("Threaded", 2, 2)
    try:
        pool.load(adapt(Threaded()))
        (found,) = read(pool, 5)
        command = Path(f"/proc/{int(found[0, 1])}/cmdline").read_bytes()
    finally:
        pool.close()
    assert b"run_worker" in command


def test_a_fork_server_found_dead_when_it_is_asked_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request, asked = ForkServerHandle.request_worker, []

    def dead_at_first(fork_server: ForkServerHandle, *args: Any) -> None:
        asked.append(fork_server.pid)
        if len(asked) == 1:
            raise EOFError
        request(fork_server, *args)

    monkeypatch.setattr(ForkServerHandle, "request_worker", dead_at_first)
    pool = ProcessPool("Squares", 1, 2)
    try:
        pool.load(adapt(Squares()))
        assert read(pool, 3)[0][0, 0, 0] == 3
    finally:
        pool.close()
    assert len(set(asked)) == 2


def test_a_worker_that_the_machine_refuses_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = str(tmp_path / "no-python")
    monkeypatch.setattr(command, "interpreter", lambda: refused)
    pool = ProcessPool("Squares", 1, 2)
    try:
        pool.load(adapt(Squares()))
        task = Task(0, None, (0,))
        pool.submit(task)
        error = task.future.result(_LIMIT_S).error
    finally:
        pool.close()
    assert "no-python" in str(error)
