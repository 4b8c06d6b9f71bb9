"""Runs what scripts do to their process, and reads a source afterwards.

Most of it is the workers' affair, so these programs read a pool of them directly, which
saves TensorFlow's import. They start as fresh interpreters.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

import numpy as np

from tests.deadlocks.program import Outcome, Program

ROOT = Path(__file__).parents[2]
METHODS = ("fork", "exec")
_LIMIT_S = 120.0
_BATCH_S = 60.0
_RIGHT = ": right"
# Of a mount namespace, where everybody may run the interpreter; "$@" is the program.
_OPENED = """
set -e
mount --make-rprivate /
if [ -n "{private}" ]; then
    mkdir opened
    mount --bind {base} opened
    mount -t tmpfs -o mode=755 tmpfs {private}
    mkdir -p {base}
    mount --move opened {base}
fi
exec "$@"
"""


class Numbered:
    """Twelve batches that tell their index."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> Any:
        return np.full((2, 1), index, np.float32)


def read(
    source: Any, start_method: str, workers: int = 2, epochs: int = 1
) -> list[np.ndarray]:
    """Returns the batches of so many passes, in their order."""
    from seq2data.source.adapt import adapt
    from seq2data.workers.processes.pool import ProcessPool
    from seq2data.workers.task import Task

    name = type(source).__name__
    pool = ProcessPool(name, workers, 2, start_method=start_method)
    batches = []
    try:
        pool.load(adapt(source))
        for epoch in range(epochs):
            tasks = [Task(epoch, None, (index,)) for index in range(len(source))]
            for task in tasks:
                pool.submit(task)
            for task in tasks:
                result = task.future.result(_BATCH_S)
                if result.error is not None:
                    raise result.error
                batches.append(result.runs[0].arrays[0][0])
    finally:
        pool.close()
    return batches


def report(habit: str, source: Any = None) -> None:
    """Prints whether workers of each kind read what plain indexing gives."""
    source = Numbered() if source is None else source
    expected = [source[index] for index in range(len(source))]
    for method in METHODS:
        found = read(source, method, workers=2 if method == "fork" else 1)
        is_right = all(map(np.array_equal, expected, found))
        words = _RIGHT if is_right and len(found) == len(expected) else f": {found}"
        print(f"{habit}, {method}{words}", file=sys.__stdout__, flush=True)


def report_error(habit: str, *words: str, workers: int = 2) -> None:
    """Prints whether reading ends in one error that has all these words."""
    for method in METHODS:
        try:
            found = f"{len(read(Numbered(), method, workers))} batches"
        except Exception as error:  # noqa: BLE001  # is told
            found = f"{type(error).__name__}: {error}"
        is_right = all(word in found for word in words) and "\n" not in found
        print(f"{habit}, {method}{_RIGHT if is_right else f': {found!r}'}", flush=True)


def run(
    folder: Path, function: Callable[[], None], *flags: str, **environment: str
) -> Outcome:
    """Runs a function of a test module as a fresh program."""
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]; "
        f"import {function.__module__} as scenario; scenario.{function.__name__}()"
    )
    program = Program(folder, [*flags, "-c", code], **environment)
    try:
        return program.finish(_LIMIT_S)
    finally:
        program.kill()


def assert_all_right(outcome: Outcome, count: int) -> None:
    """Fails unless the program reported so many habits, and each was right."""
    lines = outcome.succeed()
    assert [line for line in lines if not line.endswith(_RIGHT)] == []
    assert len(lines) == count * len(METHODS)


def may_mount() -> bool:
    """True if this user may mount in a namespace of its own."""
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def is_for_all() -> bool:
    """True if every user may read what the tests import."""
    folders = [Path(__file__).resolve(), Path(sys.prefix)]
    return all(
        parent.stat().st_mode & 0o001 for folder in folders for parent in folder.parents
    )


def run_opened(function: Callable[[], None]) -> None:
    """Runs a function of a test module where every user may run the interpreter."""
    base = Path(sys.base_prefix)
    private = [p for p in (base, *base.parents) if not p.stat().st_mode & 0o001]
    script = _OPENED.format(base=base, private=private[-1] if private else "")
    code = f"import {function.__module__} as m; m.{function.__name__}()"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                "unshare",
                "--mount",
                "sh",
                "-c",
                script,
                "sh",
                sys.executable,
                "-c",
                code,
            ],
            check=True,
            cwd=folder,
        )
