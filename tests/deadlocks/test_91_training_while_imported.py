"""A module trains while it is imported; other threads wait for the import's end.

And a worker that imported it would train in its turn.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.deadlocks.program import Outcome

_MODULE = """
import collections
import numpy as np
from seq2data import to_dataset

Pair = collections.namedtuple("Pair", "x y")

class Lost(Exception):
    pass

class Source:
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return Pair(np.full((2, 1), index, np.float32), np.zeros((2, 1), np.float32))

class Losing(Source):
    def __getitem__(self, index):
        if index == 3:
            raise Lost("gone")
        return super().__getitem__(index)

for options in ({"workers": 2}, {"workers": 2, "use_multiprocessing": False}):
    dataset = to_dataset(Source(), **options)
    for _ in range(2):
        print([int(pair.x.numpy().flat[0]) for pair in dataset], flush=True)
    try:
        for pair in to_dataset(Losing(), **options):
            pass
    except Exception as error:
        print("batch 3" in str(error), "Lost" in str(error), flush=True)
"""


def ours() -> None:
    Path("package").mkdir()
    Path("trains.py").write_text(_MODULE)
    Path("package/__init__.py").write_text("from package import trains")
    Path("package/trains.py").write_text(_MODULE)
    path = [".", *sys.path]
    for name in ("trains", "package.trains"):
        code = f"import sys; sys.path[:] = {path!r}; import {name}"
        subprocess.run([sys.executable, "-c", code], check=True)
    print("trained once, and to its end")


def test_it_trains_to_its_end(ours: Outcome) -> None:
    lines = ours.succeed()
    once = [f"{list(range(6))}", f"{list(range(6))}", "True True"]
    assert lines[:-1] == once * 4
