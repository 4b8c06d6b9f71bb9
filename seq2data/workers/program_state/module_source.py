"""Reads the source text of a module to tell what its import makes."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class ModuleSource:
    """The statements of a module and of its classes.

    Args:
        tree: The syntax tree of the module, None if there is no text.
    """

    def __init__(self, tree: Optional[ast.Module]) -> None:
        self._tree = tree

    @classmethod
    def of(cls, module: str) -> ModuleSource:
        """Reads the text of a module that is loaded."""
        file = getattr(sys.modules[module], "__file__", None)
        return _read(file) if isinstance(file, str) else cls(None)

    def num_decorators(self, qualname: str) -> int:
        """Returns how many decorators a function or class has; 0 if it is not there."""
        scope: list[ast.stmt] = [] if self._tree is None else self._tree.body
        found: Optional[ast.stmt] = None
        for part in qualname.split("."):
            definitions = [
                node
                for node in _statements(scope)
                if isinstance(node, _DEFINITIONS) and node.name == part
            ]
            if not definitions:
                return 0
            found = definitions[-1]
            scope = found.body if isinstance(found, ast.ClassDef) else []
        return len(getattr(found, "decorator_list", ()))

    def makes(self, name: str) -> bool:
        """True if import gives a global the result of a call, or may do so.

        `SESSION = Session()` does, `SESSION = None` and no assignment do not.
        """
        if self._tree is None:
            return True
        values = [
            node.value
            for node in _statements(self._tree.body)
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            and any(name in _targets(target) for target in _assigned(node))
        ]
        others = [
            node
            for node in _statements(self._tree.body)
            if not isinstance(node, (ast.Assign, ast.AnnAssign))
            and name in _bound_by(node)
        ]
        return bool(others) or (bool(values) and not _is_literal(values[-1]))


@functools.cache
def _read(file: str) -> ModuleSource:
    try:
        return ModuleSource(ast.parse(Path(file).read_bytes()))
    except (OSError, SyntaxError, ValueError):  # no text, or for another Python
        return ModuleSource(None)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields the statements that import runs in a scope, also those in blocks."""
    for node in body:
        yield node
        if isinstance(node, _DEFINITIONS):
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, block, []))
        for handler in getattr(node, "handlers", []):
            yield from _statements(handler.body)


def _assigned(node: ast.stmt) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]  # AnnAssign


def _targets(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _bound_by(node: ast.stmt) -> list[str]:
    """Returns the names that an import, a definition, `with` or `for` binds."""
    if isinstance(node, _DEFINITIONS):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.With):
        return [
            name
            for item in node.items
            if item.optional_vars is not None
            for name in _targets(item.optional_vars)
        ]
    return _targets(node.target) if isinstance(node, ast.For) else []


def _is_literal(node: Optional[ast.expr]) -> bool:
    if node is None:
        return True
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True
