from __future__ import annotations

from typing import Any

import pytest

from seq2data.errors import SourceError
from seq2data.source.indexable import Indexable


class Letters:
    """A legacy class that keeps a diary."""

    def __init__(self, letters: str = "abc") -> None:
        self.letters = letters
        self.diary: list[str] = []

    def __len__(self) -> int:
        return len(self.letters)

    def __getitem__(self, index: int) -> str:
        self.diary.append(f"read {index}")
        return self.letters[index]

    def on_epoch_begin(self) -> None:
        self.diary.append("begin")

    def on_epoch_end(self) -> None:
        self.diary.append("end")


def test_batch_is_what_the_users_object_gives() -> None:
    assert [Indexable(Letters()).read(i) for i in (2, 0, 2)] == ["c", "a", "c"]


def test_each_batch_is_read_once() -> None:
    letters = Letters()
    Indexable(letters, str.upper).read(1)
    assert letters.diary == ["read 1"]


def test_transform_is_applied_to_what_was_read() -> None:
    assert Indexable(Letters(), str.upper).read(1) == "B"


def test_exception_of_the_users_code_comes_out_as_it_is() -> None:
    with pytest.raises(IndexError, match="string index"):
        Indexable(Letters()).read(3)


def test_number_of_batches_is_asked_anew() -> None:
    letters = Letters("abc")
    source = Indexable(letters)
    assert source.num_batches() == 3
    letters.letters = "ab"
    assert source.num_batches() == 2


def test_empty_source_is_refused_by_class() -> None:
    with pytest.raises(SourceError, match=r"`Letters` is empty.*`__len__`"):
        Indexable(Letters("")).num_batches()


def test_name_is_that_of_the_class() -> None:
    assert Indexable(Letters()).name == "Letters"
    assert Indexable([1, 2]).name == "list"


def test_hooks_are_called_on_the_users_object() -> None:
    letters = Letters()
    source = Indexable(letters)
    source.on_epoch_begin()
    source.on_epoch_end()
    assert letters.diary == ["begin", "end"]


@pytest.mark.parametrize("hook", ["on_epoch_begin", "on_epoch_end"])
@pytest.mark.parametrize("wrapped", [[1, 2], type("A", (), {"on_epoch_end": "late"})()])
def test_hook_that_is_not_there_is_not_missed(hook: str, wrapped: Any) -> None:
    assert getattr(Indexable(wrapped), hook)() is None


def test_exception_of_a_hook_comes_out_as_it_is() -> None:
    class Failing(Letters):
        def on_epoch_end(self) -> None:
            raise KeyError("fold 3")

    with pytest.raises(KeyError, match="fold 3"):
        Indexable(Failing()).on_epoch_end()


def test_any_index_may_be_read_again() -> None:
    source = Indexable(Letters())
    assert [source.read(index) for index in (2, 0, 2)] == [
        Letters()[index] for index in (2, 0, 2)
    ]
