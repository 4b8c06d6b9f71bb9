"""Every wait of the training process is in the table of `seq2data/README.md`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import seq2data

_ROOT = Path(seq2data.__file__).parent
_PAGE = _ROOT / "README.md"
_HEADING = "## Every wait"
# These run in other processes: the fork server's, the workers', and the command's.
_NOT_THE_TRAINING_PROCESS = ("workers/child/", "tools/", "__main__.py")
# Methods and functions of the standard library that block, whatever they are given.
_BLOCKING = {
    "accept",
    "acquire",
    "as_completed",
    "check_call",
    "check_output",
    "communicate",
    "connect",
    "flock",
    "getoutput",
    "lockf",
    "recv",
    "recv_bytes",
    "recv_fds",
    "recv_into",
    "recvfrom",
    "recvmsg",
    "recvmsg_into",
    "select",
    "send_fds",
    "sendall",
    "sendmsg",
    "sigwait",
    "sleep",
    "wait",
    "wait_for",
    "waitid",
    "waitpid",
}
# These block where they are given nothing or a time limit; else other types have them:
# `dict.get(key)`, `",".join(texts)`, `logger.exception(text)`.
_BLOCKING_WITHOUT_ARGUMENTS = {"exception", "get", "join", "result"}
_SUBPROCESS = {"call", "run"}
_LOCKS = {"Barrier", "BoundedSemaphore", "Condition", "Lock", "RLock", "Semaphore"}
_LOCK_NAME = re.compile(r"(^|_)(lock|mutex|condition|semaphore)s?$")


def is_blocking(call: ast.Call) -> bool:
    """True if a call may wait."""
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in _BLOCKING
    if not isinstance(function, ast.Attribute):
        return False
    if function.attr in _BLOCKING:
        return True
    owner = ast.unparse(function.value)
    if function.attr in _SUBPROCESS:
        return owner == "subprocess"
    if function.attr == "poll":  # `process.poll()` and `select.poll()` return at once
        return bool(call.args) or owner.endswith("poller")
    return function.attr in _BLOCKING_WITHOUT_ARGUMENTS and _has_only_limits(call)


def _has_only_limits(call: ast.Call) -> bool:
    """True if a call has no arguments but a time limit."""
    names = {keyword.arg for keyword in call.keywords}
    return names <= {"block", "timeout"} and all(map(_is_limit, call.args))


def _is_limit(argument: ast.expr) -> bool:
    if isinstance(argument, ast.Constant):
        return argument.value is None or isinstance(argument.value, (int, float))
    name = ast.unparse(argument).lower()
    return name.endswith(("_s", "timeout", "seconds"))


def locks_of(tree: ast.AST) -> set[str]:
    """Names, without their owners, of what a file assigns a lock to."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _makes_lock(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {_last_name(target) for target in targets}
    return found


def _makes_lock(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and _last_name(value.func) in _LOCKS


def _last_name(node: ast.AST) -> str:
    return ast.unparse(node).rpartition(".")[2]


def waits_in(code: str) -> list[str]:
    """Returns the qualified name of the function of each wait in a file, in order."""
    tree = ast.parse(code)
    return list(_waits(tree, "", locks_of(tree)))


def _waits(tree: ast.AST, name: str, locks: set[str]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        inner = name
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{name}.{node.name}".lstrip(".")
        if isinstance(node, ast.Call) and is_blocking(node):
            yield name
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                last = _last_name(item.context_expr)
                if last in locks or _LOCK_NAME.search(last):
                    yield name
        yield from _waits(node, inner, locks)


def waits() -> set[tuple[str, str]]:
    """Returns (file, function) of all waits of the training process."""
    found = set()
    for path in sorted(_ROOT.rglob("*.py")):
        file = path.relative_to(_ROOT).as_posix()
        if not file.startswith(_NOT_THE_TRAINING_PROCESS):
            found |= {(file, function) for function in waits_in(path.read_text())}
    return found


def table() -> set[tuple[str, str]]:
    """Returns (file, function) of the rows of the page."""
    _, _, section = _PAGE.read_text().partition(f"\n{_HEADING}\n")
    section = section.partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE)
    return {
        (file, function)
        for file, functions in rows
        for function in re.findall(r"`([^`]+)`", functions)
    }


def test_each_wait_of_the_training_process_is_in_the_table() -> None:
    assert sorted(waits() - table()) == []


def test_table_has_no_wait_that_is_gone() -> None:
    assert sorted(table() - waits()) == []


def test_table_is_found() -> None:
    assert len(table()) >= 10


WAITS = {
    "lock": "with lock: pass",
    "lock of an object": "with self._lock: pass",
    "lock under another name": "changed = threading.Condition()\nwith changed: pass",
    "one of two": "with open(file) as f, self.lock: pass",
    "acquire": "lock.acquire()",
    "acquire with a limit": "self._lock.acquire(timeout=3)",
    "queue": "queue.get()",
    "queue with a limit": "self._tasks.get(timeout=wait_s)",
    "queue with a limit by position": "tasks.get(True, 5.0)",
    "process": "process.wait()",
    "process with a limit": "process.wait(timeout=2)",
    "condition": "self._changed.wait()",
    "condition for something": "self._changed.wait_for(lambda: True)",
    "event": "began.wait(_LOOK_S)",
    "socket": "connection.recv(4096)",
    "socket with descriptors": "socket.recv_fds(connection, 1, 4)",
    "pipe": "connection.recv_bytes()",
    "sending": "connection.sendall(data)",
    "future": "future.result()",
    "future with a limit": "task.future.result(wait_s)",
    "exception of a future": "future.exception()",
    "exception of a future with a limit": "future.exception(timeout=wait_s)",
    "futures": "concurrent.futures.wait(futures)",
    "imported function": "wait(futures)",
    "thread": "thread.join()",
    "thread with a limit": "self._thread.join(0.5)",
    "program": "subprocess.run(['ls'])",
    "output of a program": "subprocess.check_output(['ls'])",
    "communicate": "process.communicate()",
    "child": "os.waitpid(pid, 0)",
    "selector": "selector.select(1.0)",
    "poll": "self._poll.poll(timeout_ms)",
    "poll without a limit": "self._poller.poll()",
    "pause": "time.sleep(1)",
    "file lock": "fcntl.flock(file, fcntl.LOCK_EX)",
}


@pytest.mark.parametrize("kind", WAITS)
def test_wait_is_found(kind: str) -> None:
    assert waits_in(WAITS[kind]) == [""]


@pytest.mark.parametrize(
    "code",
    [
        "settings.get(name)",
        "settings.get(name, 3)",
        "', '.join(texts)",
        "os.path.join(folder, name)",
        "logger.exception('a text')",
        "with open(file): pass",
        "with own_code: pass",
        "run()",
        "self.run(task)",
        "blocks.put(task)",
        "process.poll()",
    ],
)
def test_other_code_is_no_wait(code: str) -> None:
    assert waits_in(code) == []


def test_wait_is_named_by_its_function() -> None:
    code = "class A:\n    def f(self):\n        with self._lock:\n            q.get()\n"
    assert waits_in(code) == ["A.f", "A.f"]
