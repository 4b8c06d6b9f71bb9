"""A script with functions that pickle as a name, and with constants that do."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import typing
from typing import Any

from tests.workers.payload.program_kinds import holding, report

# Caches


@functools.lru_cache
def even(n):
    return n == 0 or odd(n - 1)


@functools.cache
def odd(n):
    return n != 0 and even(n - 1)


@functools.lru_cache(maxsize=3, typed=True)
def typed(x):
    return len(str(x))


def hits_and_misses(_):
    typed.cache_clear()
    typed(1), typed(1.0), typed(1)
    info = typed.cache_info()
    return info.hits, info.misses, info.maxsize, len(typed.__name__)


def timed(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args) + 1

    return inner


@timed
@functools.lru_cache
@timed
def stacked(i):
    return i


@functools.lru_cache
def noted(i):
    return i


noted.note = "abc"
noted.itself = noted


class Reader:
    def __init__(self):
        self.k = 3
        self.cached_load = functools.lru_cache(maxsize=8)(self.load)

    def load(self, i):
        return i + self.k

    @classmethod
    @functools.lru_cache
    def by_class(cls, i):
        return i + len(cls.__name__)

    @staticmethod
    @functools.lru_cache
    def static(i):
        return i

    @functools.lru_cache
    def method(self, i):
        return i * 2

    @property
    @functools.cache
    def two(self):
        return 2

    @functools.cache
    def __getitem__(self, i):
        return i + 100


class BetterReader(Reader):
    @functools.lru_cache
    def method(self, i):
        return super().method(i) + 7


class Called:
    def __call__(self, i):
        return i + 9


@functools.cache
def deleted(i):
    return i * 11


kept = deleted
del deleted


@functools.cache
def rebound(i):
    return i * 13


first_rebound = rebound


def rebound(i):
    return -1


power = functools.lru_cache(functools.partial(pow, 2))
called = functools.lru_cache(Called())
make_reader = functools.lru_cache(Reader)
reader = Reader()
caches = {
    "each other": lambda i: even(i),
    "parameters": hits_and_misses,
    "stacked": stacked,
    "attributes": lambda i: (noted.itself is noted, len(noted.note)),
    "class method": Reader.by_class,
    "static method": Reader.static,
    "method": Reader().method,
    "property": lambda i: Reader().two,
    "getitem": lambda i: reader[i],
    "super": BetterReader().method,
    "of an instance": reader.cached_load,
    "of its instance": lambda i: reader.cached_load.__wrapped__.__self__ is reader,
    "of a partial": lambda i: power(i),
    "of an object": called,
    "of a class": lambda i: (make_reader().k, make_reader() is make_reader()),
    "of a lambda": functools.lru_cache(lambda i: i * 3),
    "in a container": holding({"a": [functools.cache(str)]}, lambda x, i: x["a"][0](i)),
    "deleted": kept,
    "rebound": lambda i: (first_rebound(i), rebound(i)),
}

# Functions that choose another


class Mine: ...


@functools.singledispatch
def chosen(x):
    return 1


@chosen.register
def _(x: int):
    return 2 + x


@chosen.register(list)
def _(x):
    return sum(chosen(item) for item in x)


chosen.register(Mine, lambda x: 50)
chosen.register(collections.abc.Mapping, lambda x: 60)


class Chooser:
    @functools.singledispatchmethod
    def choose(self, x):
        return 1

    @choose.register
    def _(self, x: int):
        return 2 + self.choose("a")

    def power(self, x, p):
        return x**p

    square = functools.partialmethod(power, p=2)

    @functools.cached_property
    def cached(self):
        return [1]


def choose_with_a_new_class(i):
    class Derived(Mine): ...

    return chosen(Derived())


@contextlib.contextmanager
def opened(i):
    yield i + 1


@opened(3)
def in_context(i):
    return i


chooser = Chooser()
chooser.cached.append(3)
choosers = {
    "dispatch": lambda i: [chosen(x) for x in (i, "a", [i, "b"], Mine(), {})],
    "dispatch, the function": chosen,
    "dispatch, its table": lambda i: (
        chosen.registry[int](4),
        chosen.dispatch(bool)(3),
    ),
    "dispatch, a new class": choose_with_a_new_class,
    "dispatch, method": lambda i: (Chooser().choose(i), Chooser().choose("a")),
    "partial method": chooser.square,
    "cached property": lambda i: (sum(chooser.cached), sum(Chooser().cached)),
    "context manager": lambda i: opened(i).__enter__(),
    "under a context": in_context,
}

# Constants and types


class Named:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


class Only:
    __slots__ = ()
    _only = None

    def __new__(cls):
        cls._only = cls._only or super().__new__(cls)
        return cls._only

    def __reduce__(self):
        return "EMPTY"


class Text(str):
    def __reduce__(self):
        return "AUTO"


class Deleting(Named):
    def __del__(self): ...


MISSING, EMPTY, AUTO, DELETING = Named("MISSING"), Only(), Text("auto"), Deleting("D")
D = DELETING
UserId = typing.NewType("UserId", int)


def with_default(i, x=MISSING):
    return x is MISSING


def with_types(i):
    return UserId(i)


with_types.__annotations__ = {"i": UserId}
for name in ("ParamSpec", "TypeVarTuple"):
    if hasattr(typing, name):
        variable = globals()[name] = getattr(typing, name)(name)
        with_types.__annotations__[name] = variable
constants: dict[str, Any] = {
    "constant as default": with_default,
    "constant": holding(MISSING, lambda x, i: (x is MISSING, len(x.name))),
    "only one": holding(EMPTY, lambda x, i: (x is EMPTY, x is Only())),
    "text": holding(AUTO, lambda x, i: (x is AUTO, x == "auto")),
    "with finalizer": holding(DELETING, lambda x, i: x is DELETING),
    "types": with_types,
}

if __name__ == "__main__":
    report({**caches, **choosers, **constants})
