from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import seq2data
from seq2data import _LAZY

PACKAGE = Path(seq2data.__file__).parent


def defined_in(module: str) -> set[str]:
    """Functions and classes at the top of a module's file, which is not imported."""
    path = PACKAGE.parent.joinpath(*module.split(".")).with_suffix(".py")
    kinds = (ast.FunctionDef, ast.ClassDef)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, kinds)}


def imported_for_type_checkers() -> dict[str, str]:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.name: str(statement.module)
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def test_list_of_public_names_is_sorted_and_has_no_name_twice() -> None:
    assert seq2data.__all__ == sorted(set(seq2data.__all__))


def test_what_is_importable_is_what_is_listed() -> None:
    own = {
        name
        for name, value in vars(seq2data).items()
        if not name.startswith("_") and getattr(value, "__module__", "") != "typing"
        if inspect.isclass(value) or inspect.isroutine(value)
    }
    assert sorted(own | set(_LAZY) | {"__version__"}) == seq2data.__all__


def test_dir_shows_the_public_names() -> None:
    assert dir(seq2data) == seq2data.__all__


@pytest.mark.parametrize(("name", "module"), _LAZY.items())
def test_lazy_name_is_defined_where_it_is_looked_for(name: str, module: str) -> None:
    assert name in defined_in(module)


@pytest.mark.parametrize(("name", "module"), _LAZY.items())
def test_lazy_name_resolves_to_the_one_in_its_module(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = object()
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**{name: found}))
    assert getattr(seq2data, name) is found


def test_type_checkers_see_the_lazy_names() -> None:
    assert imported_for_type_checkers() == _LAZY


def test_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="to_datset"):
        _ = seq2data.to_datset
