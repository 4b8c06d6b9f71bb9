"""Runs one program under a watchdog, and compares what it tells with the oracle."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from tests.chaos import oracle
from tests.chaos.choices import Choices
from tests.chaos.program import text_of
from tests.deadlocks.fork_server import ForkServer
from tests.deadlocks.program import Outcome, Program

# A program takes 1 to 8 s; this is for a machine that does three other things at once.
LIMIT_S = 90.0
_LINES_OF_STDERR = 60


class _Watched(Program):
    """A program that may leave the children that its own code made."""

    def __init__(
        self, folder: Path, arguments: list[str], server: Optional[ForkServer]
    ) -> None:
        self._folder = folder
        report = folder / "report"
        report.touch()
        super().__init__(
            folder,
            arguments,
            server,
            CHAOS_FOLDER=str(folder),
            CHAOS_REPORT=str(report),
        )

    def leaked(self) -> set[int]:
        """Without what says that it is the program's own, and `sleep`."""
        return {pid for pid in self.members() if not self._is_own(pid)}

    def _is_own(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return True
        is_sleep = b"sleep 600" in command.replace(b"\0", b" ")
        return is_sleep or (self._folder / f"own-{pid}").exists()


def run(
    choices: Choices,
    server: Optional[ForkServer] = None,
    *,
    text: Optional[str] = None,
    limit_s: float = LIMIT_S,
) -> Optional[dict[str, Any]]:
    """Runs a program; what is wrong with it, None if nothing is.

    Args:
        choices: The program's.
        server: Forks the program where its choices let it; None for an interpreter of
            its own.
        text: Runs this in place of the program, for tests of the fuzzer.
        limit_s: Seconds after which the program hangs.
    """
    with _folder() as folder:
        began = time.monotonic()
        program = text_of(choices) if text is None else text
        script = folder / "program.py"
        script.write_text(program)
        watched = _Watched(*_start(choices, script, program, server))
        try:
            outcome = watched.finish(limit_s)
        finally:
            watched.kill()
        told = _told(folder / "report", outcome)
        seconds = time.monotonic() - began
    wanted = oracle.expected(choices)
    wrong = oracle.complaints(wanted, told, choices.catches)
    if not wrong:
        return None
    return {
        "find": wrong,
        "program": choices.seed,
        "seconds": round(seconds, 1),
        "gave": _shortened(told.batches, wanted.batches),
        "error": told.error and told.error[:600],
        "exit": told.code,
        "plain": _shortened(wanted.batches, told.batches),
        "choices": choices.told(),
        "stderr": outcome.errors[-20_000:].splitlines()[-_LINES_OF_STDERR:],
    }


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that goes, even where its files may not be listed."""
    folder = Path(tempfile.mkdtemp(prefix="seq2data-chaos-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(
    choices: Choices, script: Path, text: str, server: Optional[ForkServer]
) -> tuple[Path, list[str], Optional[ForkServer]]:
    if choices.start == "forked" and server is not None:
        return script.parent, [str(script)], server
    options = {"-c": ["-c", text], "-O": ["-O", str(script)]}
    return script.parent, options.get(choices.start, [str(script)]), None


def _told(report: Path, outcome: Outcome) -> oracle.Told:
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    errors = [line for line in lines if "error" in line]
    has_ended = any("end" in line for line in lines)
    error = f"{errors[0]['error']}: {errors[0]['text']}" if errors else None
    if error is None and not has_ended and outcome.code == 1:
        error = outcome.errors  # it did not catch it
    return oracle.Told(
        batches=[(line["number"], line["batch"]) for line in lines if "batch" in line],
        error=error,
        code=outcome.code,
        left=outcome.left,
        seconds=errors[0]["seconds"] if errors else None,
    )


def _shortened(batches: list[Any], others: list[Any]) -> dict[str, Any]:
    """How many there are, and the first that differs."""
    differ = (k for k, pair in enumerate(zip(batches, others)) if pair[0] != pair[1])
    first = next(differ, min(len(batches), len(others)))
    return {
        "batches": len(batches),
        "first that differs": [first, *batches[first : first + 1]],
    }


def interpreter() -> dict[str, str]:
    """What the programs run on."""
    import importlib.metadata as metadata

    names = ("seq2data", "tensorflow", "keras", "tf_keras", "numpy")
    versions = {"python": sys.version.split()[0]}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
