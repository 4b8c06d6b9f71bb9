from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest

from seq2data.errors import SourceError
from seq2data.source.generator import EndOfDataError, GeneratorFunction, GeneratorObject


def letters() -> Iterator[str]:
    yield from "abc"


def function(factory: Any = letters) -> GeneratorFunction:
    return GeneratorFunction(factory, "letters")


def test_function_gives_its_items_in_order() -> None:
    source = function()
    assert [source.read(i) for i in range(3)] == ["a", "b", "c"]


def test_end_of_a_function_is_told_and_stays() -> None:
    source = function()
    for index in range(3):
        source.read(index)
    for _ in range(2):
        with pytest.raises(EndOfDataError):
            source.read(3)


@pytest.mark.parametrize("read_before", [0, 1, 3])
def test_index_0_calls_the_function_again(read_before: int) -> None:
    calls: list[str] = []

    def counted() -> Iterator[str]:
        calls.append("called")
        return letters()

    source = function(counted)
    for index in range(read_before):
        source.read(index)
    before = len(calls)
    assert [source.read(i) for i in range(3)] == ["a", "b", "c"]
    assert len(calls) == before + 1


def test_function_is_not_called_before_the_first_read() -> None:
    def never() -> Iterator[str]:
        raise AssertionError("called")

    assert function(never).name == "letters"


@pytest.mark.parametrize("index", [1, 5])
def test_item_out_of_turn_is_refused_by_position_and_index(index: int) -> None:
    source = function()
    source.read(0)
    source.read(1)
    with pytest.raises(SourceError) as caught:
        source.read(index)
    for fact in ("`letters`", "item 2", f"item {index}"):
        assert fact in str(caught.value)


def test_refused_item_loses_nothing() -> None:
    source = function()
    source.read(0)
    with pytest.raises(SourceError):
        source.read(2)
    assert source.read(1) == "b"


def test_function_that_has_not_begun_serves_no_later_item() -> None:
    with pytest.raises(SourceError, match=r"item 0.*item 1"):
        function().read(1)


@pytest.mark.parametrize("made", [["a", "b"], ("a", "b"), {"a": 0, "b": 1}])
def test_function_may_return_any_iterable(made: Any) -> None:
    source = function(lambda: made)
    assert [source.read(0), source.read(1)] == ["a", "b"]


def test_function_that_returns_no_iterable_is_refused_by_type() -> None:
    with pytest.raises(SourceError, match=r"`letters\(\)`.*`int`"):
        function(lambda: 7).read(0)


def test_exception_of_the_users_code_comes_out_as_it_is() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("fold 3")

    source = function(failing)
    source.read(0)
    with pytest.raises(KeyError, match="fold 3"):
        source.read(1)


def test_run_that_has_begun_stays_where_it_is_when_the_function_travels() -> None:
    source = function()
    source.read(0)
    source.read(1)
    travelled = cloudpickle.loads(cloudpickle.dumps(source))
    with pytest.raises(SourceError, match="is at item 0"):
        travelled.read(2)
    assert [travelled.read(i) for i in range(3)] == ["a", "b", "c"]
    assert source.read(2) == "c"
    assert travelled.name == "letters"


def test_object_goes_on_whatever_index_is_asked_for() -> None:
    source = GeneratorObject(letters())
    assert [source.read(i) for i in (0, 0, 7)] == ["a", "b", "c"]


def test_object_takes_over_where_the_user_left_it() -> None:
    generator = letters()
    next(generator)
    assert GeneratorObject(generator).read(0) == "b"


def test_end_of_an_object_is_told_and_stays() -> None:
    source = GeneratorObject(iter("a"))
    source.read(0)
    for index in (1, 0):
        with pytest.raises(EndOfDataError):
            source.read(index)


def test_one_item_is_taken_at_a_time() -> None:
    generator = letters()
    GeneratorObject(generator).read(0)
    assert list(generator) == ["b", "c"]


@pytest.mark.parametrize(
    ("iterator", "name"), [(letters(), "letters"), (iter([1]), "list_iterator")]
)
def test_name_of_an_object_is_its_functions_or_its_type(
    iterator: Any, name: str
) -> None:
    assert GeneratorObject(iterator).name == name


def test_only_functions_begin_again() -> None:
    assert function().restarts
    assert not GeneratorObject(letters()).restarts
