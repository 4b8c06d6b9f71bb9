"""A script with classes that do something when they are defined."""

from __future__ import annotations

import abc
import collections.abc
import dataclasses
import numbers
import pickle
import typing

from tests.workers.payload.program_kinds import holding, report

# What happens when a class is defined


class Registering(type):
    classes = {}

    def __new__(mcs, name, bases, namespace):
        made = super().__new__(mcs, name, bases, namespace)
        made.fields = [key for key in namespace if not key.startswith("_")]
        Registering.classes[name] = made
        return made


class Registered(metaclass=Registering):
    x = 1
    y = 2


class Checking(abc.ABCMeta):
    def __new__(mcs, name, bases, namespace, *, tag):
        if bases and "fields" not in namespace:
            raise TypeError("no fields")
        return super().__new__(mcs, name, bases, {**namespace, "tag": tag})

    def __init__(cls, name, bases, namespace, *, tag):
        super().__init__(name, bases, namespace)


class Unchecked(metaclass=Checking, tag="a"):
    @abc.abstractmethod
    def read(self): ...


class Checked(Unchecked, tag="seven"):
    fields = ("a",)

    def read(self):
        return 3


class Singleton(type):
    made = {}

    def __call__(cls):
        if cls not in cls.made:
            cls.made[cls] = super().__call__()
        return cls.made[cls]


class Settings(metaclass=Singleton):
    value = 1


Settings().value = 42


class Plugin:
    plugins = {}
    count = 0

    def __init_subclass__(cls, *, key):
        super().__init_subclass__()
        cls.key = key
        Plugin.plugins[key] = cls
        Plugin.count += 1


class First(Plugin, key="first"): ...


class Second(First, key="second"): ...


class Silent:
    def __init_subclass__(cls, key):
        cls.key = key


class Spoken(Silent, key="abc"): ...


@numbers.Real.register
class Length: ...


class Rows:
    def __len__(self):
        return 2


collections.abc.Sequence.register(Rows)


class Virtual(abc.ABC): ...  # noqa: B024  # others are registered in it


Virtual.register(Rows)


@dataclasses.dataclass(frozen=True)
class Record:
    a: int
    b: list = dataclasses.field(default_factory=list)


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, value: T):
        self.value = value


class IntBox(Box[int]): ...


@typing.runtime_checkable
class Readable(typing.Protocol):
    def read(self) -> int: ...


def field_default(i):
    return dataclasses.fields(Record)[0].default is dataclasses.MISSING


def is_abstract(i):
    try:
        Unchecked()
    except TypeError:
        return True
    return False


definitions = {
    "metaclass": lambda i: (len(Registered.fields), len(Registering.classes)),
    "metaclass with arguments": lambda i: (len(Checked.tag), Checked().read()),
    "abstract": is_abstract,
    "only one": holding(Settings(), lambda x, i: (x.value, x is Settings())),
    "subclasses": lambda i: (Plugin.count, Plugin.plugins["second"] is Second),
    "subclass": holding(Second(), lambda x, i: (len(x.key), isinstance(x, First))),
    "subclass that is in no table": lambda i: len(Spoken.key),
    "is a number": lambda i: isinstance(Length(), numbers.Real),
    "is a sequence": lambda i: isinstance(Rows(), collections.abc.Sequence),
    "virtual": lambda i: (isinstance(Rows(), Virtual), issubclass(int, Virtual)),
    "field": field_default,
    "generic": lambda i: (IntBox(i).value, Box[int](i).value, issubclass(IntBox, Box)),
    "protocol": lambda i: (isinstance(Checked(), Readable), isinstance(3, Readable)),
    "pickles": lambda i: pickle.loads(pickle.dumps(Record(i))).a,
}

# Descriptors


class classproperty(property):  # as it is written everywhere
    def __get__(self, instance, owner=None):
        return self.fget(owner)


class Tagged(property):
    def __init__(self, function, tag=3):
        super().__init__(function)
        self.tag = tag


class Method(classmethod): ...


class Function(staticmethod):
    def __init__(self, function):
        super().__init__(function)
        self.note = 5


class Described:
    @classproperty
    def length(cls):
        return len(cls.__name__)

    @Tagged
    def tagged(self):
        return 4

    @Method
    def method(cls):
        return len(cls.__name__)

    @Function
    def function():
        return 5

    note = property(lambda self: 3, doc="a note")


descriptors = {
    "property of the class": lambda i: Described.length,
    "property with an attribute": lambda i: (Described().tagged, Described.tagged.tag),
    "methods": lambda i: (Described.method(), Described.function()),
    "attribute of a method": lambda i: vars(Described)["function"].note,
    "text of a property": lambda i: len(Described.note.__doc__),
}

if __name__ == "__main__":
    report({**definitions, **descriptors})
