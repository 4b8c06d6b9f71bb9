from __future__ import annotations

import functools
import logging
import random
import sys
import types
from typing import Any, Callable

import numpy as np
import pytest
import wrapt

from seq2data.plan.generator_walk import (
    find_generators,
    find_in_attributes,
    find_own,
    follow,
)
from seq2data.source.adapt import adapt
from tests.contract import own_generators
from tests.contract.own_generators import PLACES, SEEDED, OfClass, draw
from tests.sources import Squares


class Holder(Squares):
    def __init__(self, held: Any) -> None:
        super().__init__()
        self.held = held


def found_in(held: Any) -> list[Any]:
    return [one.generator for one in find_own(adapt(Holder(held)))]


@pytest.mark.parametrize("place", PLACES)
def test_generator_is_found_and_its_path_leads_to_it(place: str) -> None:
    generator = random.Random()
    source = adapt(Holder(PLACES[place](generator)))
    ((found, path),) = find_own(source)
    assert found is generator
    assert path is not None
    # A set has no order, so that no path leads to its items.
    expected = None if place == "set" else generator
    assert follow(source, path.all_steps()) is expected


def wrapped(generator: Any) -> Any:
    @wrapt.decorator
    def decorator(function: Any, _: Any, args: Any, kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return decorator(lambda: draw(generator))


def cached(generator: Any) -> Any:
    return functools.lru_cache(lambda: draw(generator))


def of_property(generator: Any) -> Any:
    class HasProperty:
        value = property(lambda _: draw(generator))
        method = classmethod(lambda _: draw(generator))

    return HasProperty()


def inner(generator: Any) -> Any:
    return lambda: (lambda: draw(generator))()


def itself(generator: Any) -> Any:
    held: list[Any] = [generator]
    held.append({"again": held})
    return held


@pytest.mark.parametrize("hold", [wrapped, cached, of_property, inner, itself])
def test_generator_is_found_behind(hold: Callable[[Any], Any]) -> None:
    generator = np.random.default_rng()
    assert found_in(hold(generator)) == [generator]


def test_generators_come_in_the_order_of_the_attributes() -> None:
    made = [random.Random() for _ in range(20)]
    assert found_in({str(number): one for number, one in enumerate(made)}) == made


def test_globals_that_code_of_the_users_refers_to_are_found() -> None:
    found = found_in(OfClass.draw)
    assert draw.__globals__ is vars(own_generators)
    # The default of `draw`; and whatever the module's other functions do not reach.
    assert len(found) == 1
    assert SEEDED not in found

    def refers() -> float:
        return draw(own_generators.SEEDED) + draw(own_generators.OfClass.rng)

    assert found_in(refers)[0] is SEEDED
    assert OfClass.rng in found_in(refers)


def test_modules_that_refer_to_each_other_are_looked_through_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = types.ModuleType("one"), types.ModuleType("other")
    for module, neighbour in ((one, other), (other, one)):
        module.__file__ = f"/home/me/{module.__name__}.py"
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update({"neighbour": neighbour, "rng": random.Random()})
    exec("def use(): return neighbour.neighbour.rng.random()", vars(one))
    assert found_in(vars(one)["use"]) == [vars(one)["rng"], vars(other)["rng"]]


@pytest.mark.parametrize(
    "held",
    [
        *(random.random, np.random.rand, random.shuffle, np.random.normal),
        *(random._inst, np.random.mtrand._rand, random, np.random, np.zeros(9)),
        *(logging.getLogger("x"), random.SystemRandom(), (n for n in range(3))),
        *([str(n) for n in range(99)], Holder, sys.modules, object()),
    ],
    ids=lambda held: type(held).__name__,
)
def test_nothing_of_the_sources_own_is_in(held: Any) -> None:
    assert found_in(held) == []


class Unwilling:
    """Whatever it is asked for, it fails."""

    def __getattribute__(self, name: str) -> Any:
        raise LookupError(name)

    def __iter__(self) -> Any:
        raise LookupError("iter")

    __hash__ = __len__ = __eq__ = __bool__ = __iter__  # type: ignore[assignment]


class UnwillingList(list):  # type: ignore[type-arg]  # Python 3.9 cannot
    __iter__ = __len__ = __getitem__ = Unwilling.__iter__  # type: ignore[assignment]


class UnwillingKind(type):
    def __eq__(cls, other: object) -> bool:
        raise LookupError("eq")


class OfUnwillingKind(metaclass=UnwillingKind):
    pass


def test_no_code_of_the_users_runs() -> None:
    generator = random.Random()
    unwilling, own_list = Unwilling(), UnwillingList([generator])
    object.__getattribute__(unwilling, "__dict__")["rng"] = random.Random()
    found = found_in([unwilling, own_list, OfUnwillingKind()])
    assert generator in found
    assert len(found) == 2


def test_items_of_a_generator_function_go_on() -> None:
    generator = random.Random()
    assert find_own(adapt(lambda: iter([generator]))) == []
    assert find_generators([generator])[0].generator is generator


def test_million_plain_items_are_not_looked_at_one_by_one() -> None:
    held = [[str(n) for n in range(1_000_000)], dict.fromkeys(range(100_000), 1.0)]
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    source = adapt(Holder(held))
    sys.setprofile(count)
    try:
        find_own(source)
    finally:
        sys.setprofile(None)
    assert calls < 10_000


def test_path_that_leads_nowhere_gives_none() -> None:
    assert follow([1], [(True, 3)]) is None
    assert follow(Unwilling(), [(False, "rng")]) is None


def test_attributes_alone_are_looked_at_where_objects_are_many() -> None:
    source = adapt(Squares())
    source._wrapped.rng = np.random.default_rng()  # type: ignore[attr-defined]
    source._wrapped.rows = [np.random.default_rng()]  # type: ignore[attr-defined]
    source._wrapped.random = random._inst  # type: ignore[attr-defined]
    assert find_in_attributes(source) == [source._wrapped.rng]
