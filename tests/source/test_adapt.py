from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from seq2data.errors import SourceError
from seq2data.source.adapt import adapt
from seq2data.source.generator import GeneratorFunction, GeneratorObject
from seq2data.source.indexable import Indexable
from tests.sources import Squares


class Images:
    """An indexable that is an iterator, too, as `ImageDataGenerator.flow` gives it."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> str:
        return f"image {index}"

    def __iter__(self) -> Images:
        return self

    def __next__(self) -> str:
        return "next image"


class Stream:
    """Begins anew whenever somebody iterates over it."""

    def __iter__(self) -> Iterator[str]:
        yield from "ab"


class Factory:
    """Callable, but no function."""

    def __call__(self) -> Iterator[str]:
        return iter("ab")


class Endless:
    """Says that it may be indexed, and not how far."""

    def __getitem__(self, index: int) -> int:
        return index


def letters(word: str = "ab") -> Iterator[str]:
    yield from word


def letters_of(word: str) -> Iterator[str]:
    yield from word


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (Squares(), Indexable),
        ([1, 2, 3], Indexable),
        ((1, 2), Indexable),
        (np.zeros((3, 2)), Indexable),
        (range(4), Indexable),
        (Images(), Indexable),
        (letters(), GeneratorObject),
        (iter([1, 2]), GeneratorObject),
        (zip("ab", "cd"), GeneratorObject),
        (letters, GeneratorFunction),
        (lambda: letters("xy"), GeneratorFunction),
        (functools.partial(letters_of, "ab"), GeneratorFunction),
        (functools.partial(letters_of, word="ab"), GeneratorFunction),
        (Factory(), GeneratorFunction),
        (Stream(), GeneratorFunction),
        ({1, 2}, GeneratorFunction),
    ],
)
def test_source_is_recognised_by_what_it_can_do(source: Any, kind: type) -> None:
    assert type(adapt(source)) is kind


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (Images(), ["image 0", "image 1"]),
        (letters(), ["a", "b"]),
        (letters, ["a", "b"]),
        (functools.partial(letters_of, "xy"), ["x", "y"]),
        (Factory(), ["a", "b"]),
        (Stream(), ["a", "b"]),
    ],
)
def test_adapted_source_gives_what_the_users_gives(
    source: Any, expected: list[str]
) -> None:
    adapted = adapt(source)
    assert [adapted.read(0), adapted.read(1)] == expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Squares(), "Squares"),
        (letters(), "letters"),
        (letters, "letters"),
        (Stream(), "Stream"),
    ],
)
def test_name_is_what_the_user_calls_it(source: Any, name: str) -> None:
    assert adapt(source).name == name


def test_nothing_is_read_while_adapting() -> None:
    generator = letters()
    adapt(generator)
    assert list(generator) == ["a", "b"]


def test_transform_goes_to_an_indexable() -> None:
    assert adapt(["a", "b"], str.upper).read(1) == "B"


@pytest.mark.parametrize(
    ("source", "type_name"),
    [(letters(), "generator"), (letters, "function"), (Stream(), "Stream")],
)
def test_transform_without_an_indexable_is_refused(source: Any, type_name: str) -> None:
    with pytest.raises(SourceError) as caught:
        adapt(source, str.upper)
    for fact in ("`transform`", "`__getitem__`", "`__len__`", f"`{type_name}`"):
        assert fact in str(caught.value)


def test_class_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(SourceError) as caught:
        adapt(Squares)
    for fact in ("`Squares` is a class", "instance", "`seq2data.wrap(Squares, ...)`"):
        assert fact in str(caught.value)


def test_indexable_without_a_length_is_refused() -> None:
    with pytest.raises(SourceError, match=r"`Endless`.*`__len__`"):
        adapt(Endless())


@pytest.mark.parametrize(("source", "type_name"), [(None, "NoneType"), (7, "int")])
def test_what_cannot_be_read_is_refused_by_type(source: Any, type_name: str) -> None:
    with pytest.raises(SourceError, match=f"`{type_name}`"):
        adapt(source)


def test_function_that_needs_arguments_is_refused_by_name_and_argument() -> None:
    with pytest.raises(SourceError) as caught:
        adapt(letters_of)
    for fact in ("`letters_of`", "'word'", "`functools.partial`"):
        assert fact in str(caught.value)
