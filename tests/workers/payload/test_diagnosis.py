"""What cannot be sent is named, with the reason and the ways out."""

from __future__ import annotations

import functools
import re
import socket
import sys
import threading
import weakref
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import pytest

from seq2data.errors import PayloadError
from seq2data.source.adapt import adapt
from seq2data.workers.payload.payload import pack


class Handle:
    """Of a native library: no pickle, no attributes."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'Handle' object")


HANDLE = Handle()


class MySequence:
    """A legacy class."""

    shared: Any = None

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> int:
        return index


class Slotted:
    __slots__ = ("handle", "not_set")

    def __init__(self) -> None:
        self.handle = HANDLE


class Trap:
    """Fails the test if one of its attributes is read."""

    def __init__(self) -> None:
        self.__dict__["handle"] = HANDLE

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        pytest.fail(f"was asked for {name}")


class Chosen:
    """Its state is not its dictionary."""

    def __init__(self) -> None:
        self.left_out, self.sent = Handle(), HANDLE

    def __getstate__(self) -> dict[str, Any]:
        return {"sent": self.sent}


class Raising:
    def __getstate__(self) -> Any:
        raise RuntimeError("not while I am open")


class Node:
    """Part of a circle."""

    def __init__(self) -> None:
        self.other, self.handle = SimpleNamespace(back=self), HANDLE


def chain(depth: int) -> Any:
    part: Any = HANDLE
    for _ in range(depth):
        part = [part]
    return part


def in_closure() -> Any:
    handle, tables = HANDLE, {"a": [HANDLE]}
    return lambda index: (index, tables) if index else handle


def by_value(code: str, **names: Any) -> Any:
    """`made` of a script."""
    script = {"__name__": "__main__", **names}
    exec(code, script)
    return script["made"]


def uses_a_global() -> Any:
    return by_value("def made(x): return helper(x)\ndef helper(x): return h", h=HANDLE)


def class_with_a_handle() -> Any:
    code = (
        "class Reader:\n"
        "    cache = {'a': h}\n"
        "    def read(self): return self\n"
        "made = Reader()"
    )
    return by_value(code, h=HANDLE)


def begun() -> Any:
    rows = (row for row in "ab")
    next(rows)
    return rows


def of_an_own_key() -> Any:
    return {frozenset([1]): HANDLE}


THREAD = threading.Thread(target=print)


@pytest.mark.parametrize(
    ("part", "place", "kind"),
    [
        (HANDLE, "part", "Handle"),
        (SimpleNamespace(handle=HANDLE), "part.handle", "Handle"),
        ({"a": [1, (2, HANDLE)]}, "part['a'][1][1]", "Handle"),
        (of_an_own_key(), "part[frozenset({1})]", "Handle"),
        (Slotted(), "part.handle", "Handle"),
        (Trap(), "part.handle", "Handle"),
        (Chosen(), "part.sent", "Handle"),
        (Raising(), "part", "Raising"),
        (Node(), "part.handle", "Handle"),
        (chain(40), "part" + "[0]" * 40, "Handle"),
        (lambda x, table=HANDLE: (x, table), "part.<default>.table", "Handle"),
        (in_closure(), "part.<closure>.handle", "Handle"),
        (functools.partial(print, 1, HANDLE), "part.args[1]", "Handle"),
        (functools.partial(print, end=HANDLE), "part.keywords['end']", "Handle"),
        (MySequence(db=HANDLE).__getitem__, "part.__self__.db", "Handle"),
        (uses_a_global(), "part.<global>.helper.<global>.h", "Handle"),
        (class_with_a_handle(), "part.cache['a']", "Handle"),
        (begun(), "part", "builtins.generator"),
        (THREAD, "part", "threading.Thread"),
        (sys._getframe(), "part", "builtins.frame"),
        (re.match("a", "a"), "part", "re.Match"),
        (get_context("spawn").Lock(), "part", "multiprocessing.synchronize.Lock"),
    ],
)
def test_place_and_type_are_named(part: Any, place: str, kind: str) -> None:
    with pytest.raises(PayloadError) as caught:
        pack(adapt(MySequence(part=part)), None)
    message = str(caught.value)
    assert message.startswith(f"`MySequence.{place}`, a `")
    assert f"{kind}`, cannot be sent" in message
    assert caught.value.__cause__ is not None
    assert str(caught.value.__cause__) in message
    for way_out in ("`__getstate__`", "factory", "`use_multiprocessing=False`"):
        assert way_out in message


def test_closure_of_a_transform_is_named() -> None:
    with pytest.raises(PayloadError, match=r"^`transform\.<closure>\.handle`, a `"):
        pack(adapt([1, 2], in_closure()), None)


def test_container_in_a_closure_is_named() -> None:
    tables = {"a": [HANDLE]}
    with pytest.raises(PayloadError, match=r"^`transform\.<closure>\.tables\['a'\]"):
        pack(adapt([1, 2], lambda item: tables[item]), None)


def test_object_behind_a_weak_reference_is_named() -> None:
    held = Node()
    with pytest.raises(PayloadError, match=r"^`MySequence\.owner\(\)\.handle`"):
        pack(adapt(MySequence(owner=weakref.ref(held), held=held)), None)


def test_socket_is_named() -> None:
    with socket.socket() as connection, pytest.raises(PayloadError) as caught:
        pack(adapt(MySequence(server={"main": connection})), None)
    assert "`MySequence.server['main']`, a `socket.socket`" in str(caught.value)


def test_nesting_without_end_is_an_error() -> None:
    with pytest.raises(PayloadError, match=r"^`MySequence\.part\[0\]\[0\].*\.\.\."):
        pack(adapt(MySequence(part=chain(5000))), None)


class Counting:
    """Counts how often it is pickled."""

    times = 0

    def __reduce__(self) -> Any:
        Counting.times += 1
        return Counting, ()


def test_items_behind_the_first_refusal_are_not_looked_at() -> None:
    Counting.times = 0
    items = [Counting(), HANDLE, *(Counting() for _ in range(1000))]
    with pytest.raises(PayloadError, match=r"^`MySequence\.items\[1\]`"):
        pack(adapt(MySequence(items=items)), None)
    assert Counting.times == 2  # once for sending it, once for the diagnosis


def test_million_items_are_looked_through_once() -> None:
    items: list[Any] = [f"word {number}" for number in range(1_000_000)]
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        with pytest.raises(PayloadError, match=r"^`MySequence\.items\[1000000\]`"):
            pack(adapt(MySequence(items=[*items, HANDLE])), None)
    finally:
        sys.setprofile(None)
    assert calls < 5 * len(items)


def test_what_is_sent_at_the_second_try_is_still_an_error() -> None:
    class Moody:
        tries = 0

        def __reduce__(self) -> Any:
            Moody.tries += 1
            if Moody.tries == 1:
                raise OSError("busy")
            return int, ()

    with pytest.raises(PayloadError, match=r"`MySequence`.*\(busy\)"):
        pack(adapt(MySequence(part=Moody())), None)
