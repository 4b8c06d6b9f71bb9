"""Which globals of the user's modules a source's code refers to."""

from __future__ import annotations

import functools
from typing import Any

from seq2data.workers.program_state.reach import Reach
from tests.contract.program import config, hidden, other, sources

CONFIG, OTHER = config.__name__, other.__name__
HIDDEN = hidden.__name__


def _names(*roots: Any) -> dict[str, set[str]]:
    reach = Reach()
    reach.extend(roots)
    return reach.names


def test_attribute_of_a_module_is_found_from_a_class() -> None:
    assert "SCALE" in _names(sources.Scale)[CONFIG]
    assert "WEIGHTS" not in _names(sources.Scale)[CONFIG]


def test_what_functions_of_functions_refer_to_is_found() -> None:
    names = _names(sources.Alias)
    assert {"SCALE", "TABLE", "LEVEL", "replaced"} <= names[OTHER]


def test_module_that_a_function_imports_is_found() -> None:
    assert "LEVEL" in _names(sources.LocalImport)[HIDDEN]


def test_module_that_is_imported_by_its_name_is_found() -> None:
    assert "LEVEL" in _names(sources.ImportedByName)[HIDDEN]


def test_code_under_decorators_and_partials_is_found() -> None:
    partial = functools.partial(functools.lru_cache(other.of_both))
    assert "LEVEL" in _names(partial)[OTHER]


def test_methods_of_bases_are_looked_at() -> None:
    reach = Reach()
    reach.extend([sources.Derived])
    assert reach.classes[:1] == [sources.Derived]
    assert {sources.Own, sources.Source} <= set(reach.classes)
    assert "gain" in reach.attributes


def test_second_look_at_the_same_finds_nothing_new() -> None:
    reach = Reach()
    assert reach.extend([sources.Alias])
    assert not reach.extend([sources.Alias])
    assert not reach.extend([other.of_both])
    assert reach.extend([sources.LocalImport])


def test_functions_that_are_made_again_for_each_pickle_are_not_kept() -> None:
    def make() -> Any:
        return lambda: config.SCALE

    reach = Reach()
    reach.extend([make()])
    known = len(reach._code)
    for _ in range(3):
        assert not reach.extend([make()])
    assert len(reach._code) == known


def test_cycles_end() -> None:
    def first() -> Any:
        return second

    def second() -> Any:
        return first

    first.__dict__["__wrapped__"] = second
    assert isinstance(_names(first, second), dict)
    holder: list[Any] = []
    holder.append(holder)
    assert _names(holder) == {}


class Proxy:
    """Fails if its `__class__` is read, as a proxy's would be its target's."""

    @property
    def __class__(self) -> Any:
        raise AssertionError("a proxy was asked what it stands for")


def test_proxies_are_not_asked() -> None:
    assert isinstance(_names([Proxy()]), dict)
