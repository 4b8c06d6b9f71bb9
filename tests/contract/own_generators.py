"""Classes with random generators of their own, in all places; importable in workers."""

from __future__ import annotations

import collections
import functools
import random
from dataclasses import dataclass
from typing import Any, Callable, Optional

import numpy as np

from tests.sources import Squares

Make = Callable[[Optional[int]], Any]
MAKE: dict[str, Make] = {
    "default_rng": np.random.default_rng,
    "philox": lambda seed: np.random.Generator(np.random.Philox(seed)),
    "mt19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
    "random_state": np.random.RandomState,
    "random_state of sfc64": lambda seed: np.random.RandomState(np.random.SFC64(seed)),
    "random": random.Random,
    "bits": np.random.PCG64,
}
Draw = Callable[[], float]


def draw(generator: Any) -> float:
    """A number from a generator of any kind."""
    if hasattr(generator, "random_raw"):
        return float(generator.random_raw() / 2**64)
    return float(generator.random_sample() if is_old(generator) else generator.random())


def is_old(generator: Any) -> bool:
    return isinstance(generator, np.random.RandomState)


class Attribute:
    def __init__(self, generator: Any) -> None:
        self.rng = generator

    def __call__(self) -> float:
        return draw(self.rng)


class Slots:
    __slots__ = ("empty", "rng")
    __call__ = Attribute.__call__
    __init__ = Attribute.__init__


@dataclass
class Data:
    rng: Any
    __call__ = Attribute.__call__


class Named(collections.namedtuple("Named", "name rng")):
    __call__ = Attribute.__call__


class Items:
    """Has it inside of a container."""

    def __init__(self, held: Any, *keys: Any) -> None:
        self.held = held
        self.keys = keys

    def __call__(self) -> float:
        held = self.held
        for key in self.keys:
            held = held[key]
        return draw(held)


class Transform:
    """As in albumentations, imgaug and torchvision: a tree of objects with options."""

    def __init__(self, generator: Any, *, p: float = 0.5) -> None:
        self.p, self.params = p, {"limit": (0, 1), "generator": generator}

    def __call__(self) -> float:
        return draw(self.params["generator"])


class Compose:
    def __init__(self, *transforms: Any) -> None:
        self.transforms = list(transforms)

    def __call__(self) -> float:
        return float(self.transforms[-1]())


class Remade:
    """Does not send it: the copy makes one of its own."""

    def __init__(self, generator: Any) -> None:
        self.rng = generator

    def __getstate__(self) -> dict[str, Any]:
        kind = next(k for k, make in MAKE.items() if is_of(make, self.rng))
        return {"kind": kind}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.rng = MAKE[state["kind"]](None)

    def __call__(self) -> float:
        return draw(self.rng)


def is_of(make: Make, generator: Any) -> bool:
    bits = getattr(generator, "bit_generator", getattr(generator, "_bit_generator", 0))
    made = make(0)
    of_made = getattr(made, "bit_generator", getattr(made, "_bit_generator", 0))
    return type(made) is type(generator) and type(of_made) is type(bits)


def closure(generator: Any) -> Draw:
    return lambda: draw(generator)


def default(generator: Any) -> Draw:
    return lambda held=generator: draw(held)


def keyword(generator: Any) -> Draw:
    def held(*, rng: Any = generator) -> float:
        return draw(rng)

    return held


def bound(generator: Any) -> Draw:
    if hasattr(generator, "random_raw"):
        return functools.partial(to_float, generator.random_raw)
    return generator.random_sample if is_old(generator) else generator.random


def to_float(number: Callable[[], int]) -> float:
    return number() / 2**64


def in_set(generator: Any) -> Draw:
    held = {generator}
    return lambda: draw(next(iter(held)))


PLACES: dict[str, Callable[[Any], Draw]] = {
    "attribute": Attribute,
    "slot": Slots,
    "dataclass": Data,
    "namedtuple": lambda generator: Named("name", generator),
    "list": lambda generator: Items([0, generator], 1),
    "tuple": lambda generator: Items((generator,), 0),
    "dict": lambda generator: Items({"a": {3: generator}}, "a", 3),
    "deque": lambda generator: Items(collections.deque([generator]), 0),
    "ordered": lambda generator: Items(collections.OrderedDict(a=generator), "a"),
    "set": in_set,
    "library": lambda generator: Compose(lambda: 0, Compose(Transform(generator))),
    "closure": closure,
    "default": default,
    "keyword": keyword,
    "partial": lambda generator: functools.partial(draw, generator),
    "bound method": bound,
    "method": lambda generator: Attribute(generator).__call__,
    "remade": Remade,
}

# What a fresh import of this module has not; of each kind one without a seed and one
# with, in globals and in class attributes.
GLOBALS: dict[Any, dict[str, Any]] = {
    None: {kind: make(None) for kind, make in MAKE.items()},
    9: {kind: make(90 + place) for place, (kind, make) in enumerate(MAKE.items())},
}
RNG = np.random.default_rng()
SEEDED = random.Random("a seed")


class OfClass:
    rng = np.random.RandomState()
    seeded = np.random.default_rng(77)

    @staticmethod
    def draw(default: Any = random.Random()) -> float:  # noqa: B008  # a default
        return draw(default)


class Everywhere(Squares):
    """Draws from generators of all kinds in all places; each batch tells what.

    Without a seed also from those of this module.
    """

    def __init__(self, seed: Optional[int] = None, num_batches: int = 6) -> None:
        super().__init__(num_batches)
        self.draws: dict[tuple[str, str], Draw] = {}
        for kind, make in MAKE.items():
            for place, hold in PLACES.items():
                count = len(self.draws)
                generator = make(None if seed is None else seed + count)
                self.draws[kind, place] = hold(generator)

    def __getitem__(self, index: int) -> Any:
        return np.array([one() for one in self.draws.values()])

    @property
    def names(self) -> list[tuple[str, str]]:
        return list(self.draws)


class OfModules(Squares):
    """Draws from generators of this module and of its classes."""

    def __init__(self, *, seeded: bool) -> None:
        super().__init__(6)
        self.seeded = seeded

    def __getitem__(self, index: int) -> Any:
        if self.seeded:
            drawn = [draw(one) for one in GLOBALS[9].values()]
            return np.array([*drawn, draw(SEEDED), draw(OfClass.seeded)])
        drawn = [draw(one) for one in GLOBALS[None].values()]
        return np.array([*drawn, draw(RNG), draw(OfClass.rng), OfClass.draw()])
