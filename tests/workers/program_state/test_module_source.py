"""The text of a module shows what its import makes."""

from __future__ import annotations

import ast

import pytest

from seq2data.workers.program_state.module_source import ModuleSource
from tests.contract.program import config

TEXT = """
import json as js, os.path
from queue import Queue as Q
A = None
B = make()
C: int = 3
D, E = make()
try:
    F = make()
except ImportError:
    F = None
if True:
    G = [1, {"a": (2, None)}]
with open("x") as H:
    pass
for I in range(3):
    pass
J = None
J = make()
K = make()
K = None
def f(): pass
@one
@two(3)
def g(): pass
class C1:
    @one
    def m(self): pass
    def n(self): pass
"""


@pytest.fixture
def source() -> ModuleSource:
    return ModuleSource(ast.parse(TEXT))


@pytest.mark.parametrize("name", ["B", "D", "E", "H", "I", "J", "js", "os", "Q", "f"])
def test_import_makes_it(source: ModuleSource, name: str) -> None:
    assert source.makes(name)


@pytest.mark.parametrize("name", ["A", "C", "F", "G", "K", "never"])
def test_import_does_not_make_it(source: ModuleSource, name: str) -> None:
    assert not source.makes(name)


def test_what_has_no_text_may_make_anything() -> None:
    assert ModuleSource.of("math").makes("anything")
    assert ModuleSource.of("math").num_decorators("anything") == 0


def test_decorators_are_counted(source: ModuleSource) -> None:
    found = {
        name: source.num_decorators(name) for name in ("f", "g", "C1", "C1.m", "C1.n")
    }
    assert found == {"f": 0, "g": 2, "C1": 0, "C1.m": 1, "C1.n": 0}
    assert source.num_decorators("C1.none") == 0
    assert source.num_decorators("f.inner") == 0


def test_text_is_read_from_the_file() -> None:
    source = ModuleSource.of(config.__name__)
    assert source.makes("SETTINGS")
    assert not source.makes("ARGS")
    assert source.num_decorators("decorated") == 1
