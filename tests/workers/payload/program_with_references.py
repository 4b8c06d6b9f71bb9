"""A script with weak references of all kinds, some of them dead."""

from __future__ import annotations

import functools
import gc
import weakref

import numpy as np

from tests.workers.payload.program_kinds import holding, report


class Owner:
    def __init__(self, k=7):
        self.k = k

    def method(self):
        return self.k

    def __call__(self, k=0):
        return self.k + k

    def __iter__(self):
        return iter([self.k])


class Plain:
    k = 5


class Equal:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def __hash__(self):
        return hash(self.value)


class Circle:
    """Keeps itself alive until garbage is collected."""

    def __init__(self):
        self.itself = self
        self.k = 3


class Child:
    def __init__(self, parent):
        self.parent = weakref.ref(parent)


class Parent:
    def __init__(self):
        self.children = [Child(self), Child(self)]


class Node:
    nodes = weakref.WeakSet()
    by_number = weakref.WeakValueDictionary()
    table = weakref.WeakKeyDictionary()

    def __init__(self, number):
        self.nodes.add(self)
        self.by_number[number] = self
        self.table[self] = number * 10


class Remembering:
    """A descriptor that keeps its values beside the objects."""

    def __init__(self):
        self.values = weakref.WeakKeyDictionary()

    def __get__(self, instance, owner=None):
        return self.values.get(instance, 0)

    def __set__(self, instance, value):
        self.values[instance] = value


class Remembered:
    value = Remembering()


# Subclasses


class Named(weakref.ref):
    __slots__ = ("name", "other")

    def __new__(cls, name, target):
        return super().__new__(cls, target)

    def __init__(self, name, target):
        super().__init__(target)
        self.name = name


class Tagged(weakref.ref):
    pass


class OwnMethod(weakref.WeakMethod):
    pass


class OwnValues(weakref.WeakValueDictionary):
    def __init__(self, name):
        super().__init__()
        self.name = name


class OwnKeys(weakref.WeakKeyDictionary):
    pass


class OwnSet(weakref.WeakSet):
    pass


def dead(kind):
    return weakref.proxy(kind())


def is_dead(proxy, _):
    try:
        proxy.k  # raises
    except ReferenceError:
        return True
    return False


def add_three(i):
    return i + 3


def closed_over():
    inner = Owner(5)
    reference = weakref.ref(inner)
    return inner, lambda i: reference().k


def dead_key():
    gone = Owner()
    reference = weakref.ref(gone)
    hash(reference)
    return reference


owner, other, plain, circle, parent = Owner(), Owner(9), Plain(), Circle(), Parent()
one, two, nodes, array = Equal(1), Equal(2), [Node(1), Node(2)], np.arange(20_000.0)
remembered = Remembered()
remembered.value = 8
tagged = Tagged(owner)
tagged.tag = 4
values, keys, members = OwnValues("abc"), OwnKeys({owner: 4}), OwnSet([owner])
values["x"] = owner
keys.tag = members.tag = 6
inner, closure = closed_over()
global_reference = weakref.ref(other)
finalizer = weakref.finalize(owner, print)
finalizer.atexit = False


def after_collection(reference, _):
    gc.collect()
    return reference().k


KINDS = {
    "with a callback": holding(weakref.ref(owner, print), lambda x, i: x().k),
    "circle": holding(weakref.ref(circle), after_collection),
    "child alone": holding(parent.children[0], lambda x, i: len(x.parent().children)),
    "of a reference's": holding(
        weakref.ref(parent.children[1]), lambda x, i: x().parent() is not None
    ),
    "array": holding(weakref.ref(array), lambda x, i: x()[-1]),
    "one array": holding(
        [weakref.ref(array), weakref.WeakValueDictionary(a=array)],
        lambda x, i: x[0]() is x[1]["a"],
    ),
    "global": lambda i: global_reference().k,
    "closed over": closure,
    "module": holding(weakref.ref(gc), lambda x, i: x() is gc),
    "builtin": holding(weakref.ref(len), lambda x, i: x()("ab")),
    "equal": holding(
        [weakref.WeakMethod(who.method) for who in (owner, owner, other)],
        lambda x, i: (x[0] == x[1], x[0] == x[2], len(set(x))),
    ),
    "keys": holding(
        [{weakref.ref(owner): 1, weakref.ref(other): 2}, other],
        lambda x, i: x[0][weakref.ref(x[1])],
    ),
    "dead key": holding(
        {dead_key(): 5, weakref.ref(owner): 6},
        lambda x, i: [value for key, value in x.items() if key() is None],
    ),
    "dead method": holding(
        weakref.WeakMethod(Owner().method), lambda x, i: x() is None
    ),
    "dead proxy": holding(dead(Plain), is_dead),
    "dead callable proxy": holding(dead(Owner), is_dead),
    "proxy of a class": holding(weakref.proxy(Owner), lambda x, i: x(4).k),
    "proxy of a function": holding(weakref.proxy(add_three), lambda x, i: x(i)),
    "callable proxy": holding(weakref.proxy(owner), lambda x, i: (x(1), x.k, *x)),
    "proxy": holding(weakref.proxy(plain), lambda x, i: x.k),
    "slots": holding(Named("abc", owner), lambda x, i: (x().k, len(x.name))),
    "dead with slots": holding(
        Named("abc", Owner()), lambda x, i: (x() is None, len(x.name))
    ),
    "attributes": holding(tagged, lambda x, i: (x().k, x.tag)),
    "own method": holding(
        OwnMethod(owner.method), lambda x, i: (x()(), type(x) is OwnMethod)
    ),
    "own values": holding(values, lambda x, i: (x["x"].k, len(x.name))),
    "own keys": holding(keys, lambda x, i: (x.tag, *x.values())),
    "own set": holding(members, lambda x, i: (x.tag, len(x))),
    "values' own": holding(
        values.valuerefs(), lambda x, i: (x[0]().k, x[0].key == "x")
    ),
    "equal keys": holding(
        weakref.WeakKeyDictionary({one: 5, two: 6}),
        lambda x, i: (x[Equal(1)], x[Equal(2)]),
    ),
    "equal members": holding(
        weakref.WeakSet([one, two]), lambda x, i: (Equal(1) in x, Equal(3) in x)
    ),
    "of a class": lambda i: (len(Node.nodes), sum(Node.table.values())),
    "descriptor": holding(remembered, lambda x, i: x.value),
    "finalizer": holding(finalizer, lambda x, i: x is not None),
    "in a partial": functools.partial(lambda x, i: x().k, weakref.ref(other)),
}

if __name__ == "__main__":
    report(KINDS)
