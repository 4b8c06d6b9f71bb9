"""A script whose functions and classes pickle by reference, or not at all.

Prints the kinds that a worker reads otherwise than plain indexing.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import enum
import functools
import operator
import tempfile
import typing

import joblib
import numpy as np
import wrapt


@functools.cache
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.lru_cache(maxsize=8, typed=True)
def load(i):
    return np.full((2,), i, "float32")


@functools.singledispatch
def dispatched(x):
    return 1.0


@dispatched.register(int)
def _(x):
    return 2.0 + x


@dispatched.register
def _(x: str):
    return 3.0


@contextlib.contextmanager
def opened(i):
    yield i


@wrapt.decorator
def passing(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)


@passing
def wrapped(i):
    return i


memory = joblib.Memory(tempfile.mkdtemp(), verbose=0)


@memory.cache
def remembered(i):
    return i * 2


class Color(enum.Enum):
    RED = 3


class Pair(typing.NamedTuple):
    a: int
    b: int


@dataclasses.dataclass
class Rec:
    a: int
    b: list = dataclasses.field(default_factory=list)


class Abstract(abc.ABC):
    @abc.abstractmethod
    def f(self): ...


class Concrete(Abstract):
    def f(self):
        return 4


class Proto(typing.Protocol):
    def f(self) -> int: ...


T = typing.TypeVar("T")


class Gen(typing.Generic[T]):
    def __init__(self, v: T):
        self.v = v


class Meta(type):
    def __call__(cls, *a):
        return super().__call__(*a)


class WithMeta(metaclass=Meta):
    v = 6


def timed(f):
    @functools.wraps(f)
    def inner(*a):
        return f(*a) + 1

    return inner


def base(i):
    return i


base = timed(base)


class Multi:
    @functools.singledispatchmethod
    def f(self, x):
        return 1

    @f.register
    def _(self, x: int):
        return 2

    def power(self, x, p):
        return x**p

    square = functools.partialmethod(power, p=2)

    @functools.cached_property
    def prop(self):
        return 5

    @property
    def two(self):
        return 2

    @staticmethod
    @functools.cache
    def st(i):
        return i

    @classmethod
    @functools.cache
    def cl(cls, i):
        return i


class Deco(contextlib.ContextDecorator):
    def __enter__(self):
        return self

    def __exit__(self, *a):
        return False


@Deco()
def decorated(i):
    return i


def ctx(i):
    with opened(i) as j:
        return j


class Held:
    def __init__(self):
        self.load = functools.lru_cache(maxsize=8)(self._load)

    def _load(self, i):
        return i + 1

    def __call__(self, i):
        return self.load(i)


held_multi = Multi()
get = operator.attrgetter("v")
item = operator.itemgetter(1)


class Rebound:
    def f(self, i):
        return i + 5


rebound = Rebound()


class Rebound:
    pass


def inner_class():
    class Inner:
        @functools.lru_cache
        def g(self, i):
            return i

    return Inner()


inner = inner_class()
KINDS = {
    "fib": lambda i: fib(10 + i),
    "load": load,
    "dispatch": lambda i: dispatched(i) + dispatched("a") + dispatched(1.0),
    "contextmanager": ctx,
    "wrapt": lambda i: wrapped(i),
    "wrapt direct": wrapped,
    "joblib": lambda i: remembered(i),
    "enum": lambda i: Color.RED.value + i,
    "namedtuple": lambda i: Pair(i, 2).b,
    "dataclass": lambda i: Rec(i).a + len(Rec(i).b),
    "abc": lambda i: Concrete().f() + isinstance(Concrete(), Abstract),
    "generic": lambda i: Gen(i).v,
    "meta": lambda i: WithMeta().v,
    "wraps own name": base,
    "singledispatchmethod": lambda i: Multi().f(i) + Multi().f("a"),
    "partialmethod": lambda i: Multi().square(i),
    "cached_property": lambda i: Multi().prop + Multi().two,
    "held multi": lambda i: held_multi.prop + held_multi.st(i) + Multi.cl(i),
    "contextdecorator": decorated,
    "partial": functools.partial(load),
    "bound lru": Held(),
    "attrgetter": lambda i: get(Gen(i)),
    "rebound": rebound.f,
    "inner lru": lambda i: inner.g(i),
    "member": functools.partial(lambda c, i: c.value + i, Color.RED),
    "lru in dict": functools.partial(lambda d, i: d["a"](i), {"a": load}),
    "instance pair": functools.partial(lambda p, i: p.a, Pair(4, 5)),
}


class WM:
    @passing
    def m(self, i):
        return i + 2


wm = WM()
KINDS["wrapt method"] = wm.m
KINDS["wrapt proxy"] = functools.partial(
    lambda p, i: p[i], wrapt.ObjectProxy([4, 5, 6])
)
KINDS["wrapt class"] = lambda i: WM().m(i)
load(1)
held_multi.prop


class Everything:
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return np.array([float(np.sum(f(i))) for f in KINDS.values()])


if __name__ == "__main__":
    import seq2data

    source = Everything()
    wrong = set()
    dataset = seq2data.to_dataset(source, workers=1)
    for _ in range(2):
        for index, batch in enumerate(dataset):
            differs = batch.numpy() != source[index]
            wrong |= {name for name, is_wrong in zip(KINDS, differs) if is_wrong}
    print(f"{len(KINDS)} kinds, wrong: {sorted(wrong)}")
