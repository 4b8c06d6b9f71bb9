from __future__ import annotations

import traceback
from typing import Any

import pytest

from seq2data.exception_text import as_cause, summary_of, traceback_of


class ExitsInTextError(Exception):
    def __str__(self) -> str:
        raise SystemExit(5)


class HidesItsAttributesError(Exception):
    def __getattribute__(self, name: str) -> Any:
        if name in ("__cause__", "__context__", "__traceback__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)


class HasNoClassError(Exception):
    @property
    def __class__(self) -> Any:
        raise SystemExit(6)


def in_circles() -> BaseException:
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    return one


def raised(kind: Any) -> BaseException:
    try:
        raise kind("text")
    except kind as error:
        return error


@pytest.mark.parametrize(
    "kind", [ExitsInTextError, HidesItsAttributesError, HasNoClassError]
)
def test_text_names_the_type_whatever_the_exception_does(kind: Any) -> None:
    error = raised(kind)
    assert kind.__name__ in summary_of(error)
    assert kind.__name__ in traceback_of(error)
    assert "raise kind" in traceback_of(error)


def test_long_text_is_shortened_in_its_middle() -> None:
    error = ValueError("begin" + "x" * 1_000_000 + "end")
    for text in (summary_of(error), traceback_of(error)):
        assert "begin" in text
        assert text.rstrip().endswith("end")
        assert "characters left out" in text
        assert len(text) < 200_000


def test_text_can_be_passed_on_by_tensorflow() -> None:
    text = summary_of(ValueError("\udcff and \0"))
    assert text == r"ValueError: \udcff and \0"
    assert "\0" not in traceback_of(ValueError("\0"))


def test_causes_in_a_circle_are_described() -> None:
    assert "one" in traceback_of(in_circles())
    assert "other" in traceback_of(in_circles())


@pytest.mark.parametrize(
    "error", [ValueError("plain"), in_circles(), ExitsInTextError()]
)
def test_cause_is_kept_where_python_prints_it(error: BaseException) -> None:
    assert as_cause(error) is error
    traceback.format_exception(type(error), error, None)


@pytest.mark.parametrize(
    "error", [HidesItsAttributesError(), ValueError("x" * 1_000_000)]
)
def test_cause_that_nobody_could_print_is_dropped(error: BaseException) -> None:
    assert as_cause(error) is None
