"""Weak references, generator objects, functions, classes and modules."""

from __future__ import annotations

import bz2
import collections
import functools
import importlib.util
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.workers.payload.kinds.kind import Kind, as_bytes, written


class Tree:
    """Refers back to the object that holds it."""

    def __init__(self, value: int, parent: Any = None) -> None:
        self.value = value
        self.parent = None if parent is None else weakref.ref(parent)
        self.children = [] if parent is not None else [Tree(5, self), Tree(6, self)]
        self.by_value = weakref.WeakValueDictionary(
            {child.value: child for child in self.children}
        )
        self.of = weakref.WeakKeyDictionary(
            {child: child.value * 2 for child in self.children}
        )
        self.proxies = [weakref.proxy(child) for child in self.children]
        self.add = weakref.WeakMethod(self.plus)

    def plus(self, index: int) -> int:
        return self.value + index


def climb(tree: Tree, index: int) -> Any:
    child = tree.children[1]
    assert child.parent() is tree
    assert tree.by_value[6] is child
    assert tree.proxies[1].parent() is tree
    return tree.of[child], child.add()(index), len(tree.of)


def counted(start: int, *more: int, step: int = 1, **named: int) -> Iterator[int]:
    while True:
        start += step + sum(more) + sum(named.values())
        yield start


def nested_generator(_: Path) -> Any:
    base = 100

    def run(length: int) -> Iterator[int]:
        for item in range(length):
            yield base + item

    return run(9)


def take(generator: Any, _: int) -> int:
    return int(next(generator))


def closure(_: Path) -> Any:
    lock, table = threading.Lock(), {"factor": 3}

    def outer(index: int) -> int:
        def inner() -> int:
            with lock:
                return index * table["factor"]

        return inner()

    return outer


def call(function: Any, index: int) -> Any:
    return function(index)


SCRIPT = """
import enum, collections, threading
from random import randrange
LOCK = threading.Lock()
class Color(enum.Enum):
    RED = 5
Row = collections.namedtuple("Row", "x y")
class Base:
    scale = 10
    def __call__(self, index):
        with LOCK:
            return helper(index) + self.scale + Color.RED.value + self.row.y
class Derived(Base):
    def __init__(self):
        super().__init__()
        self.row = Row(1, 2)
    def __call__(self, index):
        return super().__call__(index), randrange(1000)
def helper(index):
    return index * 1000
"""


def of_main(_: Path) -> Any:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(SCRIPT, names)
    return names["Derived"]()


def of_a_path(folder: Path) -> Any:
    """Of a module that no worker can import, though `sys.modules` has it."""
    path = written(folder, "loaded_by_path.py", SCRIPT.encode())
    spec = importlib.util.spec_from_file_location("loaded_by_path", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loaded_by_path"] = module
    spec.loader.exec_module(module)
    return module.Derived()


def module_made_by_hand(_: Path) -> Any:
    module = types.ModuleType("made_by_hand")
    exec("def add(index): return index + offset\noffset = 70", module.__dict__)
    sys.modules["made_by_hand"] = module
    return module


def lambdas(_: Path) -> Any:
    return [lambda index, by=factor: index * by for factor in (2, 3)]


KINDS = {
    "weak_references": Kind(lambda _: Tree(1), climb),
    "module": Kind(lambda _: bz2, lambda held, _: as_bytes(held.__name__)),
    "module_by_hand": Kind(module_made_by_hand, lambda held, index: held.add(index)),
    "unbegun": Kind(lambda _: counted(1, 2, 3, step=4, extra=5), take),
    "unbegun_nested": Kind(nested_generator, take),
    "unbegun_expression": Kind(lambda _: (item * 3 for item in range(9)), take),
    "lambdas": Kind(lambdas, lambda held, index: [one(index) for one in held]),
    "closure": Kind(closure, call),
    "partial": Kind(lambda _: functools.partial(pow, 3), call),
    "method": Kind(lambda _: Tree(4).plus, call),
    "class_of_main": Kind(of_main, call),
    "class_of_a_path": Kind(of_a_path, call),
    "default_dict": Kind(
        lambda _: collections.defaultdict(lambda: 7, {1: 2}), lambda held, i: held[i]
    ),
}
