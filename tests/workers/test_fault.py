"""A fault of seq2data's own in a child process is told as such, wherever it is."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from seq2data.errors import Seq2DataError
from seq2data.source.adapt import adapt
from seq2data.workers.fault import OURS
from seq2data.workers.processes.pool import ProcessPool
from seq2data.workers.task import Task
from tests.sources import Squares

_LIMIT_S = 60.0
_INJECTION = Path(__file__).parent / "injection"
_MODULES = (
    "seq2data.plan.seeds",
    "seq2data.workers.wire.channel",
    "seq2data.workers.wire.recall",
    "seq2data.workers.failures",
    "seq2data.workers.fault",
    "seq2data.workers.child.exit",
    "seq2data.workers.child.first_read",
    "seq2data.workers.child.worker",
    "seq2data.workers.child.fork_server",
    "seq2data.workers.read_task",
    "seq2data.workers.system.sentinel",
    "seq2data.workers.wire.stacks",
    "seq2data.workers.transport.layout",
    "seq2data.workers.transport.memory_files",
    "seq2data.workers.transport.segments",
)
_KINDS = (FunctionType, property, classmethod, staticmethod)


def _functions() -> Iterator[str]:
    """`module name` of each function and method of the children's loop."""
    for path in _MODULES:
        module = importlib.import_module(path)
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) != path:
                continue
            if isinstance(value, FunctionType):
                yield f"{path} {name}"
            elif inspect.isclass(value):
                for method, member in vars(value).items():
                    is_made = getattr(member, "__module__", path) != path
                    if isinstance(member, _KINDS) and not is_made:
                        yield f"{path} {name}.{method}"


def _outcome(pool: ProcessPool) -> tuple[list[Any], list[Seq2DataError]]:
    """The batches that came, and the errors that came instead."""
    batches: list[Any] = []
    errors = []
    for indices in (0, 1), (2,), (3, 4, 5):
        task = Task(0, 7, indices)
        pool.submit(task)
        result = task.future.result(_LIMIT_S)
        for run in result.runs:
            batches += run.arrays[0].tolist()
        if result.error is not None:
            errors.append(result.error)
    return batches, errors


# Each of these is called for every batch or worker, so that an error must come.
_CERTAIN = {
    "seq2data.workers.child.worker Worker._answer",
    "seq2data.workers.child.fork_server ForkServer._make_worker",
    "seq2data.workers.read_task read_task",
    "seq2data.workers.transport.layout BatchWriter.add",
    "seq2data.workers.transport.segments SegmentWriter.make",
}


@pytest.mark.parametrize("function", list(_functions()))
def test_fault_in_a_child_is_told_as_ours(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(function, "fork", tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "function",
    [
        name
        for name in _functions()
        if name.split()[0].endswith(("worker", "fork_server"))
    ],
)
def test_fault_in_an_executed_worker_is_told_as_ours(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(function, "exec", tmp_path, monkeypatch)


def _check(
    function: str, start_method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "called"
    monkeypatch.setenv("PYTHONPATH", str(_INJECTION))
    monkeypatch.setenv("SEQ2DATA_INJECT", function)
    monkeypatch.setenv("SEQ2DATA_INJECTED", str(mark))
    sequence = Squares()
    pool = ProcessPool("Squares", 2, 1, start_method=start_method)
    try:
        pool.load(adapt(sequence))
        batches, errors = _outcome(pool)
        was_called = mark.exists()
    finally:
        pool.close()
    assert errors or function not in _CERTAIN
    for error in errors:
        assert was_called, error
        assert OURS in str(error), error
        for blame in ("os._exit", "raised RuntimeError", "ran out of memory"):
            assert blame not in str(error)
    if not errors:
        assert batches == [sequence[index][0].tolist() for index in range(6)]
