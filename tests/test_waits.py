"""Every blocking wait of the parent is in the table of `seq2data.workers`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import seq2data.workers

_ROOT = Path(seq2data.workers.__file__).parents[1]
# Methods and functions of the standard library that block.
_BLOCKING = {
    "acquire",
    "communicate",
    "get",
    "join",
    "result",
    "select",
    "sendall",
    "sleep",
    "wait",
    "wait_for",
    "waitpid",
}
# They run in the fork server and in workers, or in a process that the command starts.
_NOT_THE_PARENT = {"workers/fork server.py", "workers/loop.py"}


def waits() -> Iterator[tuple[str, str]]:
    """(file, qualified name of the function) of each call that may block."""
    for path in sorted(_ROOT.rglob("*.py")):
        name = str(path.relative_to(_ROOT))
        if name in _NOT_THE_PARENT or name.startswith("tools/"):
            continue
        for function, call in calls(ast.parse(path.read_text())):
            if is_blocking(call):
                yield path.name, function


def calls(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.Call]]:
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = f"{prefix}.{node.name}".lstrip(".")
        if isinstance(node, ast.Call):
            yield prefix, node
        yield from calls(node, name)


def is_blocking(call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _BLOCKING:
        return False
    owner = ast.unparse(function.value)
    if function.attr == "join":  # of threads, and not of text
        return "thread" in owner
    if function.attr == "get":  # of queues, and not of dictionaries
        return "tasks" in owner
    # Ours, which have the wait; a metric of Keras has its result.
    return "task_wait" not in owner and owner not in ("worker", "metric")


def test_each_wait_of_the_parent_is_in_the_table() -> None:
    table = seq2data.workers.__doc__ or ""
    missing = [
        f"{file} {function}"
        for file, function in waits()
        if file not in table or function not in table
    ]
    assert not missing


def test_waits_are_found() -> None:
    found = set(waits())
    assert ("dispatcher.py", "Dispatcher._step") in found
    assert ("task_wait.py", "_result") in found
    assert len(found) >= 8
