"""Tests your own Sequence in scenarios that often cause deadlocks, on this machine.

Each scenario is a program in its own process group. After the time limit its stacks are
printed and its group is killed. The programs load TensorFlow; this process does not.
While one scenario runs, the next programs load TensorFlow, since that takes longest.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Optional

from seq2data.errors import SourceError
from seq2data.options import usable_cores
from seq2data.tools.arguments import whole_number
from seq2data.workers.system.readable import wait_readable

MARK = "SEQ2DATA_DEADLOCKS"
_REPORT = "report.json"
EXIT_CODE = 7
# A real-time signal: user code may use SIGUSR1 and 2, and workers use SIGRTMAX. 0 where
# the system has no such signals; there `run` refuses.
STACKS_SIGNAL = int(getattr(signal, "SIGRTMAX", 1)) - 1
GONE_S = 20.0
_PROCESSES = Path("/proc")
PLAIN = "plain"
# Each scenario, and the exit status of its program.
_SCENARIOS = {
    "kill": 0,
    "freeze": 0,
    "exception": 0,
    "early-stop": 0,
    "ctrl-c": -signal.SIGINT,
    "exit": EXIT_CODE,
    "epochs": 0,
    "two": 0,
}
# How many programs load TensorFlow in advance: that takes longer than a scenario.
_AHEAD = 2
_LOADED_S = 120.0
_DUMP_S = 0.5
_SHOWN_LINES = 60


class Outcome(NamedTuple):
    """The result of a scenario; if it is not ok, `details` is the program's output."""

    scenario: str
    ok: bool
    outcome: str
    seconds: float = 0.0
    details: str = ""

    def __str__(self) -> str:
        verdict = "ok" if self.ok else "FAILED"
        line = f"{self.scenario:10}  {verdict:6}  {self.outcome}"
        return "\n    ".join([line, *self.details.splitlines()[-_SHOWN_LINES:]])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `seq2data deadlocks`."""
    parser.add_argument(
        "target",
        metavar="MODULE:OBJECT",
        nargs="?",
        default="",
        help="a Sequence, or a class or function without arguments that returns one"
        " (default: a small built-in source)",
    )
    parser.add_argument(
        "--workers",
        type=whole_number(1),
        default=usable_cores(),
        help="how many worker processes (default: usable cores, %(default)s)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per scenario"
    )
    parser.add_argument(
        "--limit-s",
        type=whole_number(1),
        default=120,
        help="seconds after which a scenario has failed (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the scenarios and prints their outcomes; returns 0 if all are ok.

    Raises:
        SourceError: This system cannot list the processes that a scenario leaves.
    """
    if not (STACKS_SIGNAL and hasattr(os, "pidfd_open") and _PROCESSES.exists()):
        raise SourceError(
            "`seq2data deadlocks` kills and stops processes and lists those that are "
            "left: run it on Linux 5.3 or newer, with `os.pidfd_open` and /proc"
        )
    are_ok = []
    with contextlib.closing(_outcomes(arguments)) as outcomes:
        for outcome in _with_progress(outcomes):
            as_json = json.dumps(outcome._asdict())
            print(as_json if arguments.json else outcome, flush=True)
            are_ok.append(outcome.ok)
    return 0 if all(are_ok) else 1


def report(folder: str, **facts: Any) -> None:
    """Writes what a program found out; the command reads it after the program's end."""
    Path(folder, _REPORT).write_text(json.dumps(facts))


def processes_of(mark: str) -> list[int]:
    """Returns the processes that have inherited the mark, without zombies."""
    entry = f"{MARK}={mark}".encode()
    found = []
    for environment in _PROCESSES.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if entry in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def _with_progress(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    try:
        from tqdm import tqdm
    except ImportError:  # the extra `progress` is not installed
        yield from outcomes
        return
    # Only where stderr is a terminal. The bar is cleared while a line is printed.
    with tqdm(total=1 + len(_SCENARIOS), disable=None, unit="scenario") as bar:
        for outcome in outcomes:
            bar.update()
            bar.clear()
            yield outcome
            bar.refresh()


def _outcomes(arguments: argparse.Namespace) -> Generator[Outcome, None, None]:
    settings: dict[str, Any] = {
        "target": arguments.target,
        "workers": arguments.workers,
        "limit_s": arguments.limit_s,
    }
    names = iter([PLAIN, *_SCENARIOS])
    programs: deque[_Program] = deque()
    with contextlib.ExitStack() as stack:
        while True:
            for name in itertools.islice(names, 1 + _AHEAD - len(programs)):
                programs.append(stack.enter_context(contextlib.closing(_Program(name))))
            if not programs:
                return
            program = programs.popleft()
            outcome = program.finish(settings)
            if "usage" in program.report:
                raise SourceError(program.report["usage"])
            yield outcome
            settings.update(program.report.get("settings", {}))
            if program.name == PLAIN and not outcome.ok:
                why = "not run, since plain indexing of the source fails"
                yield from (Outcome(name, False, why) for name in _SCENARIOS)
                return


class _Program:
    """The program of a scenario, from its start to the end of its process group."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.report: dict[str, Any] = {}
        self._mark = uuid.uuid4().hex
        self._folder = tempfile.TemporaryDirectory(prefix="seq2data-deadlocks-")
        self._output = Path(self._folder.name, "output")
        self._temporary = Path(self._folder.name, "tmp")
        self._temporary.mkdir()
        self._memory_before = _named_memory()
        self._process: Optional[subprocess.Popen[bytes]] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        code = (
            f"import sys; sys.path[:] = {[os.getcwd(), *sys.path]!r}; "
            "from seq2data.tools.deadlocks_program import main; main()"
        )
        # A file and not a pipe: a process that stays would keep a pipe open.
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-c", code, self.name, self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,  # for one message: TensorFlow is loaded
                stderr=output,
                start_new_session=True,
                env={
                    "TF_CPP_MIN_LOG_LEVEL": "3",
                    **os.environ,
                    "TMPDIR": str(self._temporary),
                    # AutoGraph, which Keras 2 uses, would write bytecode to TMPDIR.
                    "PYTHONDONTWRITEBYTECODE": "1",
                    MARK: self._mark,
                },
            )

    def finish(self, settings: dict[str, Any]) -> Outcome:
        """Sends the settings, waits for the end of the program, and judges it."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        # The time limit begins when TensorFlow is loaded.
        wait_readable([process.stdout.fileno()], _LOADED_S)
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(json.dumps(settings).encode())
        try:
            failure = self._judge(process.wait(settings["limit_s"]), settings)
        except subprocess.TimeoutExpired:
            failure = f"hangs: has not ended after {settings['limit_s']} s"
            self._dump_stacks()
        seconds = round(time.monotonic() - began, 1)
        self._kill()
        details = self._output.read_text(errors="replace") if failure else ""
        words = failure or self.report.get("words", "")
        return Outcome(self.name, not failure, words, seconds, details)

    def close(self) -> None:
        """Kills what is left of the process group, and deletes the folder."""
        self._kill()
        self._folder.cleanup()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

    def _judge(self, status: int, settings: dict[str, Any]) -> str:
        """Returns what is wrong with a program that has ended, "" if nothing is."""
        from seq2data.workers.failures import status_in_words  # loads numpy

        with contextlib.suppress(FileNotFoundError):
            self.report = json.loads(Path(self._folder.name, _REPORT).read_text())
        left = self._left_running() + sorted(_named_memory() - self._memory_before)
        files = [str(path) for path in self._temporary.rglob("*")]
        if self.name == PLAIN:  # files that the source itself leaves are no failure
            settings["counts_files"] = not files
        elif settings["counts_files"]:
            left += files
        failure: str = self.report.get("failure", "")
        words = self.report.get("words", "no outcome")
        if not failure and status != _SCENARIOS.get(self.name, 0):
            failure = f"{words}, and then {status_in_words(status)}"
        if not failure and left:
            failure = f"{words}, but left behind: {', '.join(left)}"
        return failure

    def _left_running(self) -> list[str]:
        deadline = time.monotonic() + GONE_S
        while pids := processes_of(self._mark):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            with contextlib.suppress(ProcessLookupError):
                ended = os.pidfd_open(pids[0])
                wait_readable([ended], left_s)
                os.close(ended)
        return [f"process {pid}" for pid in pids]

    def _dump_stacks(self) -> None:
        for pid in processes_of(self._mark):
            with self._output.open("a") as output:
                output.write(f"\n--- stacks of process {pid} ---\n")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, STACKS_SIGNAL)
            time.sleep(_DUMP_S)  # there is no sign that a dump is complete


def _named_memory() -> set[str]:
    return {f"/dev/shm/{n}" for n in os.listdir("/dev/shm") if "seq2data" in n}
