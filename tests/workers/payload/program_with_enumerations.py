"""A script with enumerations whose members are more than their values."""

from __future__ import annotations

import enum
import pickle

from tests.workers.payload.program_kinds import holding, report


class Letter(enum.Enum):
    A = 1
    B = 2
    ALIAS = A

    @property
    def twice(self):
        return self.value * 2

    @classmethod
    def _missing_(cls, value):
        return cls.A


class Planet(enum.Enum):
    MERCURY = (3.3, 2.4)
    VENUS = (4.8, 6.0)

    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius


class Coordinate(bytes, enum.Enum):
    def __new__(cls, value, label):
        made = bytes.__new__(cls, [value])
        made._value_ = value
        made.label = label
        return made

    X = (0, "P.X")
    Y = (1, "P.YY")


class Counted(enum.Enum):
    def __new__(cls):
        made = object.__new__(cls)
        made._value_ = len(cls.__members__) + 1
        return made

    P = ()
    Q = ()  # noqa: PIE796  # it is counted


class Split(str, enum.Enum):
    TRAIN = "train"
    VALIDATION = "val"


class Number(enum.IntEnum):
    THREE = 3
    FOUR = 4


class Mode(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    BOTH = READ | WRITE


class Bits(enum.IntFlag):
    FOUR = 4
    TWO = 2


class Unhashable(enum.Enum):
    TABLE = {"a": [1]}
    LIST = [1, 2]


class Outer:
    class Color(enum.Enum):
        RED = 5


Made = enum.Enum("Made", "a b c")
KINDS = {
    "aliases": lambda i: (Letter.ALIAS is Letter.A, Letter["ALIAS"].value, len(Letter)),
    "member": holding(Letter.B, lambda x, i: (x is Letter.B, x.twice, x is Letter(2))),
    "missing": lambda i: Letter(77) is Letter.A,
    "init": holding(Planet.VENUS, lambda x, i: (x.mass, Planet.MERCURY.radius)),
    "new": holding(Coordinate.X, lambda x, i: (x.value, len(x.label), x == b"\0")),
    "new, by value": lambda i: Coordinate(1) is Coordinate.Y,
    "counted": holding(Counted.Q, lambda x, i: (x.value, Counted.P.value)),
    "text": holding(Split.TRAIN, lambda x, i: (x == "train", len(f"{x}"), len(str(x)))),
    "integer": holding(Number.THREE, lambda x, i: (x + 1, Number(4) is Number.FOUR)),
    "flags": holding(
        Mode.BOTH,
        lambda x, i: (x is Mode.READ | Mode.WRITE, ~Mode.READ == Mode.WRITE),
    ),
    "no flag": holding(Bits(12), lambda x, i: (int(x), int(Bits.TWO | 8))),
    "unhashable": lambda i: (Unhashable.TABLE.value["a"], Unhashable.LIST.value[1:]),
    "inner": holding(Outer.Color.RED, lambda x, i: x is Outer.Color.RED),
    "functional": holding(Made.b, lambda x, i: (x.value, Made["c"].value)),
    "pickled in a worker": lambda i: (
        pickle.loads(pickle.dumps(Split.TRAIN)) is Split.TRAIN
    ),
}

if __name__ == "__main__":
    report(KINDS)
