"""Runs one side of a scenario as a program, and watches it.

    python -m tests.deadlocks.program MODULE FUNCTION

The program says `ready` after its imports, then calls the function, in a folder of its
own: once, or as often as the environment says. What the function prints is the
scenario's evidence. After each call the program looks for what is left.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from tests.deadlocks.fork_server import Forked, ForkServer
from tests.leaks import (
    assert_nothing_left,
    ours,
    processes_of_session,
    processes_with,
)

_MARK = "SEQ2DATA_SCENARIO"
_READY = "ready"
_AGAIN = "--- again"
REPEAT = "SEQ2DATA_SCENARIO_REPEAT"
# Imports of TensorFlow, on a machine that does three other things at once.
_START_S = 120.0
_GONE_S = 20.0
_ROOT = Path(__file__).parents[2]
HANGS = "hangs"


@dataclass
class Outcome:
    """What became of a program.

    Attributes:
        lines: What its function printed.
        errors: Its stderr, and the stacks if it hung.
        code: Its exit code, or minus the signal's number; None if it hung.
        seconds: From `ready` to its end.
        left: Processes, named memory and temporary files that it left behind.
        repetitions: What its function printed when it was called again.
    """

    lines: list[str]
    errors: str
    code: Optional[int]
    seconds: float
    left: list[str] = field(default_factory=list)
    repetitions: list[list[str]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The outcome in a few words, for the table."""
        if self.code is None:
            return HANGS
        if self.code == 0:
            return self.lines[-1] if self.lines else "ends"
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit {self.code}: {self.last_error}"

    @property
    def last_error(self) -> str:
        """The last line of the last traceback: the exception that ended it."""
        found = re.findall(
            r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt)\b.*$",
            self.errors,
            re.MULTILINE,
        )
        return found[-1][:120] if found else ""

    def succeed(self, same: Optional[int] = None) -> list[str]:
        """The printed lines of a program that ended well and left nothing.

        Args:
            same: How many of the first lines must be the same in each repetition; None
                for all.

        Raises:
            AssertionError: It did not.
        """
        assert self.code == 0, f"exit code {self.code}\n{self.errors}"
        assert not self.left, f"left behind: {self.left}\n{self.errors}"
        for lines in self.repetitions:
            assert lines[:same] == self.lines[:same]
        return self.lines


class Program:
    """A Python program in a process group of its own, under a watchdog.

    Args:
        folder: Its temporary files go there; the folder must be empty afterwards.
        arguments: Of the interpreter.
        server: Forks the program; None for an interpreter of its own.
        typed: What an interpreter of its own finds on stdin.
        **environment: What it finds in its environment beside ours.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        server: Optional[ForkServer] = None,
        typed: str = "",
        **environment: str,
    ) -> None:
        self._mark = uuid.uuid4().hex
        self._temporary = folder / f"tmp-{self._mark}"
        self._temporary.mkdir()
        self._named_before = _named_memory()
        # Files and not pipes: what outlives the program must not keep us waiting.
        self._out = folder / f"out-{self._mark}"
        self._err = folder / f"err-{self._mark}"
        stdin = folder / f"in-{self._mark}"
        stdin.write_text(typed)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), *sys.path])),
            # TensorFlow removes the modules that AutoGraph writes, and not
            # what Python has compiled of them.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TMPDIR": str(self._temporary),
            _MARK: self._mark,
            **environment,
        }
        self.process: Union[subprocess.Popen[bytes], Forked]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            if server is not None:
                self.process = server.start(
                    list(arguments), out, err, folder, environment
                )
                return
            with stdin.open("rb") as typing:
                self.process = subprocess.Popen(
                    [sys.executable, *arguments],
                    stdin=typing,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                    cwd=folder,
                    env=environment,
                )

    def wait_for_line(self, start: str, limit_s: float = _START_S) -> str:
        """Waits until the program has printed a line that starts so; the line.

        Raises:
            AssertionError: It ended before, or took longer.
        """
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            for line in self._out.read_text().splitlines(keepends=True):
                if line.startswith(start) and line.endswith("\n"):
                    return line.rstrip("\n")
            assert not ended, f"no line `{start}`\n{self._err.read_text()}"
            time.sleep(0.01)  # a file cannot be waited for
        self.kill()
        raise AssertionError(f"no line `{start}`\n{self._err.read_text()}")

    def wait_for_members(self, count: int) -> None:
        """Waits until it has so many processes; workers come as they are needed."""
        deadline = time.monotonic() + _START_S
        while len(self.members()) != count and time.monotonic() < deadline:
            time.sleep(0.01)  # they are no children of ours
        assert len(self.members()) == count

    def signal(self, number: int, group: bool = False) -> None:
        """Sends a signal to the program, or as a terminal does to its whole group."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def finish(self, limit_s: float) -> Outcome:
        """Waits for the program's end; past the limit it takes its stacks and kills it.

        Args:
            limit_s: Seconds, from now.
        """
        began = time.monotonic()
        code: Optional[int] = None
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self._dump_stacks()
        seconds = time.monotonic() - began
        left = [] if code is None else self._left()
        self.kill()
        lines, *again = self._printed()
        return Outcome(lines, self._err.read_text(), code, seconds, left, again)

    def _printed(self) -> list[list[str]]:
        """The lines of each call of the function."""
        found: list[list[str]] = [[]]
        for line in self._out.read_text().splitlines():
            if line == _AGAIN:
                found.append([])
            elif line != _READY:
                found[-1].append(line)
        return found

    def members(self) -> set[int]:
        """Processes with this program's mark, wherever they went; no zombies.

        A fork of the server has the server's environment, but a session of its own.
        """
        marked = processes_with(f"{_MARK}={self._mark}")
        return marked | processes_of_session(self.process.pid)

    def leaked(self) -> set[int]:
        """Processes that should be gone once the program has ended."""
        return self.members()

    def kill(self) -> None:
        """Kills the program and everything that has its mark, and nothing else."""
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def _dump_stacks(self) -> None:
        for pid in self.members():
            with self._err.open("a") as err:
                err.write(f"\n--- stacks of pid {pid} ---\n")
            try:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGUSR1)
            except ProcessLookupError:
                continue
            time.sleep(0.3)  # nobody tells when a dump is complete

    def _left(self) -> list[str]:
        deadline = time.monotonic() + _GONE_S
        while True:
            left = [f"process {pid}" for pid in self.leaked()]
            left += [
                f"/dev/shm/{name}" for name in _named_memory() - self._named_before
            ]
            left += [str(path) for path in self._temporary.rglob("*")]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.01)  # the kernel ends them after their parent


def start(
    module: str,
    function: str,
    folder: Path,
    server: Optional[ForkServer] = None,
    **environment: str,
) -> Program:
    """Starts one side of a scenario, and waits until it is ready."""
    arguments = ["-m", "tests.deadlocks.program", module, function]
    program = Program(folder, arguments, server, **environment)
    program.wait_for_line(_READY)
    return program


def _named_memory() -> set[str]:
    return {name for name in os.listdir("/dev/shm") if "seq2data" in name}


def main(module: str, function: str) -> None:
    # A background job of a shell inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    scenario = importlib.import_module(module)
    import tensorflow as tf

    tf.zeros(1)  # TensorFlow's own threads and descriptors are not the scenario's
    if function == "ours":
        import seq2data

        for _ in seq2data.to_dataset([[0.0]], workers=0):
            pass
    before = ours()
    print(_READY, flush=True)
    folder = Path.cwd()
    for number in range(int(os.environ.get(REPEAT, "1"))):
        if number:
            print(_AGAIN, flush=True)
        run = folder / f"run-{os.getpid()}-{number}"
        run.mkdir()
        os.chdir(run)
        try:
            getattr(scenario, function)()
        finally:
            if function == "ours":
                assert_nothing_left(before)


if __name__ == "__main__":
    main(*sys.argv[1:])
