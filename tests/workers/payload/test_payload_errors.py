"""A source that cannot be packed or loaded fails with a reason."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest

from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack
from tests.workers.payload.loading import Data, big, loaded, num_memory_files


class Connection:
    """Cannot be sent."""

    def __reduce__(self) -> Any:
        raise TypeError("a connection has no pickle")


def begun() -> Any:
    """A generator that has begun, and cannot be copied."""
    rows = (row for row in "ab")
    next(rows)
    return rows


class Dropping(Data):
    """Leaves one connection out, and has another."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: part for name, part in vars(self).items() if name != "left_out"}


@pytest.mark.parametrize(
    ("source", "place", "type_name"),
    [
        (Data(code=sys._getframe()), "Data.code", "builtins.frame"),
        (Data(x=big(), db=Connection()), "Data.db", f"{__name__}.Connection"),
        (Data(parts={"db": [1, Connection()]}), "Data.parts['db'][1]", "Connection"),
        (Data(inner=Data(db=Connection())), "Data.inner.db", "Connection"),
        (Data(rows=begun()), "Data.rows", "builtins.generator"),
        ([1, Connection()], "list[1]", "Connection"),
        (Connection(), "Connection", "Connection"),
        pytest.param(
            *(Dropping(left_out=Connection(), db=Connection()), "Dropping.db"),
            "Connection",
        ),
    ],
)
def test_what_cannot_be_sent_is_named_by_attribute_and_type(
    source: Any, place: str, type_name: str
) -> None:
    with pytest.raises(PayloadError) as caught:
        pack(source, None)
    message = str(caught.value)
    assert message.startswith(f"`{place}`, a `")
    for fact in (f"{type_name}`", "`__getstate__`", "`use_multiprocessing=False`"):
        assert fact in message
    assert caught.value.__cause__ is not None


def test_adapted_source_is_named_as_the_users_own() -> None:
    class Sequence(Data):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> int:
            return index

    with pytest.raises(PayloadError, match=r"Sequence\.db`"):
        pack(adapt(Sequence(db=Connection())), None)


def test_transform_that_cannot_be_sent_is_named() -> None:
    connection = Connection()
    with pytest.raises(PayloadError) as caught:
        pack(adapt([1, 2], lambda item: (connection, item)), None)
    assert "`list`" not in str(caught.value)
    assert "transform" in str(caught.value)


def test_message_has_the_reason_why_it_cannot_be_sent() -> None:
    with pytest.raises(PayloadError, match="a connection has no pickle"):
        pack(Data(db=Connection()), None)


def test_nothing_is_left_of_a_source_that_cannot_be_sent() -> None:
    before = num_memory_files()
    with pytest.raises(PayloadError):
        pack(Data(x=big(), db=Connection()), None)
    gc.collect()
    assert num_memory_files() == before


class Unloadable:
    """Can be packed and not loaded."""

    def __reduce__(self) -> Any:
        return int, ("not a number",)


def test_error_of_loading_is_the_users_own_and_leaves_no_descriptor() -> None:
    payload = pack(Data(x=big(), bad=Unloadable()), None)
    before = num_memory_files()
    with pytest.raises(ValueError, match="not a number"):
        loaded(payload)
    assert num_memory_files() == before
