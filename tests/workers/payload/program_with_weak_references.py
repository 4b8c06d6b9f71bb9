"""A script whose source has weak references to what the script holds.

Prints the kinds that a worker reads otherwise than plain indexing.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np


class Owner:
    k = 7

    def __init__(self, k: int = 7) -> None:
        self.k = k

    def method(self) -> int:
        return self.k

    def __call__(self) -> int:
        return self.k


class Child:
    def __init__(self, parent: Any) -> None:
        self.parent = weakref.ref(parent)


class Node:
    def __init__(self) -> None:
        self.child = Child(self)


def count() -> int:
    return 3


owner, second = Owner(), Owner(9)
gone = weakref.ref(Owner())
KINDS: dict[str, tuple[Any, Any]] = {
    "reference": (weakref.ref(owner), lambda x: x().k),
    "method": (weakref.WeakMethod(owner.method), lambda x: x()()),
    "proxy": (weakref.proxy(second), lambda x: x.k),
    "callable proxy": (weakref.proxy(owner), lambda x: x()),
    "dictionary of values": (
        weakref.WeakValueDictionary(a=owner, b=second),
        lambda x: x["a"].k + x["b"].k,
    ),
    "dictionary of keys": (
        weakref.WeakKeyDictionary({owner: 4}),
        lambda x: sum(x.values()) + len(x),
    ),
    "set": (weakref.WeakSet([owner, second]), lambda x: sum(o.k for o in x)),
    "dead": (gone, lambda x: x() is None),
    "cycle": (Node(), lambda x: x.child.parent() is x),
    "references as keys": (
        {weakref.ref(owner): 1, weakref.ref(second): 2},
        lambda x: sum(r().k * v for r, v in x.items()),
    ),
    "one object twice": (
        [weakref.ref(owner), weakref.ref(owner), owner],
        lambda x: (x[0]() is x[1]()) + (x[0]() is x[2]),
    ),
    "class": (weakref.ref(Owner), lambda x: x().k),
    "function": (weakref.ref(count), lambda x: x()()),
}


class Everything:
    def __init__(self) -> None:
        self.held = {name: value for name, (value, _) in KINDS.items()}
        self.held["itself"] = weakref.ref(self)

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> np.ndarray:
        answers = [ask(self.held[name]) for name, (_, ask) in KINDS.items()]
        return np.array([*answers, self.held["itself"]() is self], float)


if __name__ == "__main__":
    import seq2data

    source = Everything()
    wrong = set()
    dataset = seq2data.to_dataset(source, workers=1)
    for _ in range(2):
        for index, batch in enumerate(dataset):
            differs = batch.numpy() != source[index]
            wrong |= {name for name, is_wrong in zip(source.held, differs) if is_wrong}
        second.k += 1
    print(f"{len(source.held)} kinds, wrong: {sorted(wrong)}")
