"""No test passes because what it loops over is empty.

A test whose checks are all inside of a `for` checks nothing if there is no item. Such a
test needs one check outside: a count, or a comparison with the whole list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))
# Their items are those of their first argument.
SAME_LENGTH = ("enumerate", "list", "reversed", "sorted", "tuple")


def is_check(node: ast.AST) -> bool:
    """True for `assert`, and for a call of what is named for a check."""
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func).rpartition(".")[2]
    return name in ("raises", "warns") or name.lstrip("_").startswith(
        ("assert", "check", "fail", "raises", "succeed")
    )


def has_items(iterable: ast.expr) -> bool:
    """True if a loop over it runs at least once, as the text of the test shows."""
    if isinstance(iterable, (ast.Tuple, ast.List, ast.Set)):
        return any(not isinstance(item, ast.Starred) for item in iterable.elts)
    if isinstance(iterable, (ast.Dict, ast.Constant)):
        return True
    if isinstance(iterable, ast.Name):
        return iterable.id.isupper()  # a constant, and no result
    if isinstance(iterable, ast.Attribute):
        return iterable.attr.isupper()
    if not isinstance(iterable, ast.Call):
        return False
    name, arguments = ast.unparse(iterable.func), iterable.args
    if name == "range":
        return isinstance(arguments[-1], ast.Constant)
    if name == "zip":
        return all(map(has_items, arguments))
    if name in SAME_LENGTH:
        return has_items(arguments[0])
    is_of_dict = name.endswith((".items", ".values", ".keys"))
    return is_of_dict and has_items(iterable.func.value)  # type: ignore[attr-defined]


def checks_of(node: ast.AST, in_loop: bool = False) -> Iterator[bool]:
    """For each check below a node, whether only a loop over a result reaches it."""
    for child in ast.iter_child_nodes(node):
        inside = in_loop
        if isinstance(node, (ast.For, ast.AsyncFor)) and child in node.body:
            inside = in_loop or not has_items(node.iter)
        if is_check(child):
            yield inside
        yield from checks_of(child, inside)


def functions_in(text: str) -> list[ast.FunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def may_check_nothing(test: ast.FunctionDef) -> bool:
    found = list(checks_of(test))
    return bool(found) and all(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_test_has_all_its_checks_in_a_loop_over_a_result(file: Path) -> None:
    tests = functions_in(file.read_text(encoding="utf-8"))
    empty = [test.name for test in tests if may_check_nothing(test)]
    assert not empty, "give each a check of the count, outside of its loop"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for x in read(): assert x", True),
        ("for x, y in zip(read(), (1, 2)): assert x == y", True),
        ("for x in read():\n  if x: assert_equal(x, 1)", True),
        ("for x in read():\n  for y in (1, 2): assert x == y", True),
        ("for x in read(): assert x\n assert count == 3", False),
        ("with raises(ValueError):\n  for x in read(): assert x", False),
        ("for x in (1, 2): assert x", False),
        ("for i, x in enumerate(CASES): assert x == i", False),
        ("for i in range(3): assert read(i)", False),
        ("assert all(read())", False),
        ("read()", False),
    ],
)
def test_loops_over_results_are_told_from_others(body: str, expected: bool) -> None:
    (test,) = functions_in(f"def test_it():\n {body}")
    assert may_check_nothing(test) == expected
