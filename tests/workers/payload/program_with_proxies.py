"""A script with decorators of wrapt, numba and its like, and code of other modules."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
import tempfile
import types
from pathlib import Path

import wrapt

from tests.workers.payload.program_kinds import holding, report

MODULE = """
import functools, wrapt
FACTOR = 1

@functools.lru_cache
def cached(i): return i * FACTOR

def timed(function):
    @functools.wraps(function)
    def inner(*args): return function(*args) + FACTOR
    return inner

@timed
def decorated(i): return i

@wrapt.decorator
def passing(wrapped, instance, args, kwargs): return wrapped(*args) + FACTOR

@passing
def passed(i): return i

class Reader:
    def __init__(self): self.own = functools.lru_cache(self.load)
    def load(self, i): return i * FACTOR

    @functools.lru_cache
    def method(self, i): return i * FACTOR

    @staticmethod
    @functools.cache
    def static(i): return i * FACTOR

    @functools.cache
    def replaced(self, i): return -1

    @staticmethod
    @functools.cache
    def replaced_static(i): return -1

    @passing
    def passed(self, i): return i

@functools.singledispatch
def chosen(x): return FACTOR

@chosen.register
def _(x: int): return x * FACTOR

class Missing:
    def __reduce__(self): return "MISSING"

MISSING = Missing()
"""


def module_of_a_path(folder, name, is_registered):
    """A module that no worker can import."""
    spec = importlib.util.spec_from_file_location(name, folder / "users.py")
    module = importlib.util.module_from_spec(spec)
    if is_registered:
        sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def modules():
    folder = Path(tempfile.mkdtemp())
    (folder / "users.py").write_text(MODULE)
    yield module_of_a_path(folder, "of_a_path", is_registered=True)
    yield module_of_a_path(folder, "of_a_path_alone", is_registered=False)
    sys.modules["by_hand"] = by_hand = types.ModuleType("by_hand")
    exec(MODULE, vars(by_hand))
    yield by_hand
    sys.path.append(str(folder))
    yield importlib.import_module("users")


def kinds_of(module):
    reader = module.Reader()
    named = {
        "cached": module.cached,
        "decorated": module.decorated,
        "passed": module.passed,
        "method": reader.method,
        "static": module.Reader.static,
        "passed method": reader.passed,
        "own": reader.own,
        "chosen": module.chosen,
        "constant": holding(module.MISSING, lambda x, i: type(x).__name__ == "Missing"),
        "replaced": lambda i: (reader.replaced(i), reader.replaced_static(i)),
        "all": lambda i: (module.cached(i), module.chosen(i), module.passed(i)),
    }
    return {f"{module.__name__}, {name}": kind for name, kind in named.items()}


@functools.lru_cache
def replacing(self, i):
    return i + 1


@functools.cache
def replacing_static(i):
    return i + 2


others = {}
for factor, module in enumerate(modules(), start=7):
    module.FACTOR = factor  # before anything is called
    module.Reader.replaced = replacing
    module.Reader.replaced_static = staticmethod(replacing_static)
    others.update(kinds_of(module))

# wrapt


@wrapt.decorator
def passing(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs) + 1


def adder(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs) + 2


def times(factor):
    @wrapt.decorator
    def multiply(wrapped, instance, args, kwargs):
        return wrapped(*args, **kwargs) * factor

    return multiply


class Reader:
    def plain(self, i):
        return i

    @passing
    def method(self, i):
        return i

    @passing
    @classmethod
    def of_class(cls, i):
        return i + len(cls.__name__)

    @staticmethod
    @passing
    def static(i):
        return i

    @functools.lru_cache
    @passing
    def cached(self, i):
        return i

    other_name = passing(plain)


@passing
def counted_down(i):
    return 0 if i <= 0 else counted_down(i - 1)


def is_enabled():
    return False


@wrapt.decorator(enabled=is_enabled)
def disabling(wrapped, instance, args, kwargs):
    return -1


@disabling
def disabled(i):
    return i


def two_arguments(a, b): ...


@wrapt.decorator(adapter=two_arguments)
def adapting(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)


@adapting
def adapted(i):
    return i


class Summed(wrapt.ObjectProxy):
    note = None

    def __init__(self, wrapped, extra):
        super().__init__(wrapped)
        self._self_extra = extra
        self.note = 5

    def total(self):
        return sum(self.__wrapped__) + self._self_extra + self.note


class Wrapper(wrapt.FunctionWrapper):
    def __init__(self, wrapped, wrapper):
        super().__init__(wrapped, wrapper)
        self._self_count = 3


wrapped = Wrapper(len, adder)
wrapt.wrap_function_wrapper(Reader, "plain", adder)
reader = Reader()
wrappers = {
    "method": reader.method,
    "methods": lambda i: (reader.method(i), reader.cached(i), reader.other_name(i)),
    "unbound": functools.partial(Reader.method, reader),
    "class method": Reader.of_class,
    "static method": Reader.static,
    "under a cache": reader.cached,
    "other name": reader.other_name,
    "patched": reader.plain,
    "recursive": counted_down,
    "with an argument": times(3)(lambda i: i),
    "disabled": disabled,
    "adapted": lambda i: (adapted(i), len(inspect.signature(adapted).parameters)),
    "proxy": holding(wrapt.ObjectProxy([4, 5]), lambda x, i: (x[i], len(x))),
    "callable proxy": wrapt.CallableObjectProxy(reader.plain),
    "own proxy": holding(Summed([1, 2], 10), lambda x, i: (x.total(), x[i])),
    "own wrapper": holding(wrapped, lambda x, i: (x("abc"), x._self_count)),
}

if __name__ == "__main__":
    report({**others, **wrappers})
