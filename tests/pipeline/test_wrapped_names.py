"""The name of a wrapped class means the class in the class's own code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import assert_yields

tf = pytest.importorskip("tensorflow")

from seq2data import to_dataset, wrap  # noqa: E402  # needs TensorFlow
from tests import wrapped_sources as sources  # noqa: E402  # needs TensorFlow

pytestmark = pytest.mark.tensorflow

CLASSES = [
    "OldStyle",
    "OldStyleOfObject",
    "OldStyleChild",
    "Named",
    "Holder",
    "Decorated",
    "Heir",
    "HeirOfObject",
]


@pytest.mark.parametrize("name", CLASSES)
def test_class_that_names_itself_is_read(name: str, start_method: str) -> None:
    dataset = getattr(sources, name)(3)
    assert isinstance(dataset, tf.data.Dataset)
    assert_yields(dataset, dataset.source)


@pytest.mark.parametrize("name", ["OldStyle", "Named", "OldStyleOfObject", "Holder"])
def test_class_that_names_itself_is_read_in_every_way(
    name: str, mode: dict[str, Any]
) -> None:
    dataset = wrap(getattr(sources, name), **mode)(3)
    assert_yields(dataset, dataset.source)


def test_own_code_makes_instances_of_the_class() -> None:
    dataset = sources.Named(3)
    assert [batch.numpy()[-2:].tolist() for batch in dataset] == [[1, 1]] * 3
    parts = sources.Holder(2).source.parts
    assert list(map(type, parts)) == [sources.PlainNamed] * 2


def test_who_has_the_class_already_gets_instances(mode: dict[str, Any]) -> None:
    for kind in (sources.PlainOldStyle, sources.PlainNamed, sources.PlainChild):
        instance = kind(3)
        assert type(instance) is kind
        assert_yields(to_dataset(instance, **mode), instance)


def test_class_attribute_reaches_the_class_and_its_readers(
    way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.PlainNamed, "SCALE", 2)  # put back at the end
    dataset = wrap(sources.PlainNamed, **way)(3)
    assert [batch.numpy()[0] for batch in dataset] == [0, 2, 4]
    sources.Named.SCALE = 5
    assert sources.PlainNamed.SCALE == 5
    assert [batch.numpy()[0] for batch in dataset] == [0, 5, 10]
    assert [batch.numpy()[0] for batch in sources.Named(2)] == [0, 5]


def test_name_may_be_a_local_variable() -> None:
    class Local(sources.Sized):
        def __init__(self, count: int) -> None:
            super(Local, self).__init__(count)  # noqa: UP008  # the subject

        def __getitem__(self, index: int) -> Any:
            return sources.np.array([index, len(Local(index)), isinstance(self, Local)])

    Local = wrap(Local, workers=2)  # type: ignore[misc]
    assert [b.numpy().tolist() for b in Local(2)] == [[0, 0, 1], [1, 1, 1]]


SCRIPT = """
import abc, functools, os, sys
import numpy as np
import seq2data

class Base:
    def __init__(self, count): self.count = count
    def __len__(self): return self.count

class OldStyle(Base):
    def __init__(self, count): super(OldStyle, self).__init__(count)
    def __getitem__(self, index):
        return np.array([index, len(OldStyle(5)), "tensorflow" in sys.modules])

class OfObject(object):
    SCALE = 2
    def __init__(self, count):
        super(OfObject, self).__init__()
        self.count = count
    def __len__(self): return self.count
    def __getitem__(self, index):
        return np.array([index * OfObject.SCALE, isinstance(self, OfObject)])
    def halves(self): return OfObject(1), OfObject(self.count - 1)

def helper(count):
    return OldStyle(count)

class Caller(Base):
    def __getitem__(self, index): return np.array([len(helper(index)), index])

Plain = OldStyle
OldStyle = seq2data.wrap(OldStyle, workers=2)
OfObject = seq2data.wrap(OfObject, workers=2)
Caller = seq2data.wrap(Caller, workers=2)

class Heir(OldStyle):
    def __init__(self, count): super(Heir, self).__init__(count)
    def __getitem__(self, index): return super().__getitem__(index) + len(Heir(1))

@functools.partial(seq2data.wrap, workers=2)
class Decorated(Base):
    def __getitem__(self, index): return np.array([len(Decorated(index))])

def values(dataset): return [batch.numpy().tolist() for batch in dataset]

print(values(OldStyle(2)))
print(values(seq2data.to_dataset(Plain(2), workers=2)), type(Plain(2)) is Plain)
print(values(OfObject(2)), [values(half) for half in OfObject(2).halves()])
OfObject.SCALE = 7
print(values(OfObject(2)))
print(values(Caller(2)), isinstance(helper(2), OldStyle))
print(values(Heir(2)))
print(values(Decorated(2)))

from tests.wrapped_sources import Pids
print([[pid != os.getpid(), *rest] for pid, *rest in values(Pids(2))])
"""
PRINTED = """\
[[0, 5, 0], [1, 5, 0]]
[[0, 5, 0], [1, 5, 0]] True
[[0, 1], [2, 1]] [[[0, 1]], [[0, 1]]]
[[0, 1], [7, 1]]
[[0, 0], [1, 1]] True
[[1, 6, 1], [2, 6, 1]]
[[0], [1]]
[[True, 0, 0], [True, 0, 1]]
"""


def test_classes_of_a_script_name_themselves(start_method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == PRINTED
