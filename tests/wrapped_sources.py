"""Legacy classes that name themselves, some under their wrapped names."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

import numpy as np

import seq2data


class Sized:
    """What the others have in common."""

    def __init__(self, count: int = 3) -> None:
        super().__init__()
        self.count = count

    def __len__(self) -> int:
        return self.count


class OldStyle(Sized):
    """Calls its base as one did in Python 2."""

    def __init__(self, count: int = 3) -> None:
        super(OldStyle, self).__init__(count)  # noqa: UP008  # the subject

    def __getitem__(self, index: int) -> Any:
        return np.array([index, len(self)])


class OldStyleOfObject(object):  # noqa: UP004  # the subject
    """The same, and its only base is `object`."""

    def __init__(self, count: int = 3) -> None:
        super(OldStyleOfObject, self).__init__()  # noqa: UP008  # the subject
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return np.array([index, isinstance(self, OldStyleOfObject)])

    @classmethod
    def of(cls, count: int) -> Any:
        made = cls(0)
        made.count = count
        return made


class OldStyleChild(OldStyle):
    """Inherits from a class that is wrapped, too."""

    def __init__(self, count: int = 3) -> None:
        super(OldStyleChild, self).__init__(count + 1)  # noqa: UP008  # the subject

    def __getitem__(self, index: int) -> Any:
        return super(OldStyleChild, self).__getitem__(index) + 1  # noqa: UP008  # the subject


class Named(Sized):
    """Uses its name in all other ways."""

    SCALE = 2

    @staticmethod
    def scaled(value: int) -> int:
        return value * Named.SCALE

    @classmethod
    def shifted(cls, value: int) -> int:
        return Named.SCALE + value * cls.SCALE

    def __getitem__(self, index: int) -> Any:
        other, copy = Named(index + 2), type(self)(index + 1)
        values = [Named.scaled(index), Named.shifted(index), len(other), len(copy)]
        is_named = isinstance(other, Named), type(other) == Named  # noqa: E721  # people do
        return np.array([*values, *is_named])


class Pids(Named):
    """Tells who reads, and whether TensorFlow is loaded there."""

    def __getitem__(self, index: int) -> Any:
        is_loaded = "tensorflow" in sys.modules
        return np.array([os.getpid(), is_loaded, len(Pids(index))])


class Holder(Sized):
    """Makes instances of a class that is wrapped."""

    kind = Named

    def __init__(self, count: int = 3) -> None:
        super().__init__(count)
        self.parts = Named(count), self.kind(count)

    def __getitem__(self, index: int) -> Any:
        return np.concatenate([part[index] for part in self.parts])


class Parent(Sized):
    """Has ways to make others of its kind."""

    SCALE = 1

    def __init__(self, count: int = 3, start: int = 0) -> None:
        super().__init__(count)
        self.start = start
        self.ends = 0
        self.folder = ""

    def __getitem__(self, index: int) -> Any:
        if not -self.count <= index < self.count:
            raise IndexError(index)
        return np.array([index % self.count + self.start]) * Parent.SCALE

    def on_epoch_end(self) -> None:
        self.ends += 1

    @property
    def stop(self) -> int:
        return self.start + self.count

    @classmethod
    def from_folder(cls, folder: str, count: int = 3) -> Any:
        made = cls(0)  # nothing to read yet
        made.folder, made.count = folder, count
        return made

    @classmethod
    def pair(cls) -> Any:
        return cls(2), Parent(3)

    @staticmethod
    def parts() -> Any:
        return {"train": Parent(2), "others": [Parent(3), 5]}

    @staticmethod
    def double(value: int) -> int:
        return 2 * value

    def split(self, count: int) -> Any:
        return Parent(count, self.start), type(self)(self.count - count, count)

    def itself(self) -> Any:
        return self


class Joined(Sized):
    """Reads others, which it was given."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(len(parts[0]))
        self.parts = parts

    def __getitem__(self, index: int) -> Any:
        return np.concatenate([part[index] for part in self.parts])


PlainNamed, PlainOldStyle, PlainChild, PlainParent = (
    Named,
    OldStyle,
    OldStyleChild,
    Parent,
)
PlainPids, PlainHolder, PlainOfObject = Pids, Holder, OldStyleOfObject
OldStyle = seq2data.wrap(OldStyle, workers=2)  # type: ignore[misc]
OldStyleOfObject = seq2data.wrap(OldStyleOfObject, workers=2)  # type: ignore[misc]
OldStyleChild = seq2data.wrap(OldStyleChild, workers=2)  # type: ignore[misc]
Named = seq2data.wrap(Named, workers=2)  # type: ignore[misc]
Pids = seq2data.wrap(Pids, workers=2)  # type: ignore[misc]
Holder = seq2data.wrap(Holder, workers=2)  # type: ignore[misc]
Parent = seq2data.wrap(Parent, workers=2)  # type: ignore[misc]


@functools.partial(seq2data.wrap, workers=2)
class Decorated(Sized):
    """Is wrapped where it is defined."""

    def __init__(self, count: int = 3) -> None:
        super(Decorated, self).__init__(count)  # noqa: UP008  # the subject

    def __getitem__(self, index: int) -> Any:
        return np.array([index, len(Decorated(index))])


class Heir(Named):  # type: ignore[misc, valid-type]
    """Inherits from what `wrap` has returned."""

    def __init__(self, count: int = 3, extra: int = 10) -> None:
        super().__init__(count)
        self.extra = extra

    def __getitem__(self, index: int) -> Any:
        return super(Heir, self).__getitem__(index) + self.extra + len(Heir(1))  # noqa: UP008  # the subject


class HeirOfObject(OldStyleOfObject):  # type: ignore[misc, valid-type]
    """The same, of a class whose only base is `object`."""

    def __init__(self, count: int = 3) -> None:
        super().__init__(count)
